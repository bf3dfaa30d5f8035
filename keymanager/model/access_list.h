#pragma once

#include <optional>
#include <vector>

#include "keymanager/base/clock.h"
#include "keymanager/base/ids.h"

namespace sallyport::model {

/// The access list of a secret or a container for the operation `read`, the only one that Barbican knows.
struct AccessList {
    bool project_access = true;
    std::vector<UserId> users;
    Timestamp created{};  ///< set by the repository when read
    Timestamp updated{};  ///< likewise
};

/// What a change of an access list names; the rest stays.
struct AccessListChange {
    std::optional<bool> project_access;
    std::optional<std::vector<UserId>> users;
};

}  // namespace sallyport::model
