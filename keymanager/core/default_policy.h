#pragma once

#include <span>
#include <string_view>

namespace sallyport::core {

/// One rule that Barbican registers.
struct DefaultRule {
    std::string_view name;
    std::string_view check;      ///< with enforce_new_defaults
    std::string_view old_check;  ///< without; empty: `check`
};

std::span<const DefaultRule> default_policy();

}  // namespace sallyport::core
