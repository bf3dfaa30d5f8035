#pragma once

#include <string>
#include <vector>

#include "keymanager/base/ids.h"

namespace sallyport::core {

/// Who is calling, as an authenticator of the agent established it.
struct Caller {
    UserId user;
    ProjectId project;
    std::vector<std::string> roles;
    std::string system_scope;  ///< "all" for a system-scoped token
};

}  // namespace sallyport::core
