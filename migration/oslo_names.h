#pragma once

#include <string_view>
#include <vector>

namespace sallyport::migration {

/// A place in the files where an option may stand.
struct OptionName {
    std::string_view group;
    std::string_view name;
};

/// Where oslo.config looks for an option, in the order of their weight within a file: its own name first, then the
/// deprecated ones that OpenStack registers for it (`[keymgr] fixed_key`, `[key_manager] api_class`, ...). Views borrow
/// from the arguments and from static memory. In files the own name has '_' for '-'; deprecated ones may have either.
std::vector<OptionName> places_of_option(std::string_view group, std::string_view name);

/// The default that the services register, for values that refer to an option nobody set (`$state_path`). Empty if
/// it has none here.
std::string_view default_of_option(std::string_view group, std::string_view name);

}  // namespace sallyport::migration
