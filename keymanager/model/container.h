#pragma once

#include <optional>
#include <string>
#include <vector>

#include "keymanager/base/clock.h"
#include "keymanager/base/ids.h"
#include "keymanager/model/secret.h"

namespace sallyport::model {

/// A row of container_secret: a secret and the part it plays ("private_key").
struct ContainerSecret {
    std::string name;
    SecretId secret;
};

/// A row of containers with its secrets. Orders for key pairs make them.
struct Container {
    ContainerId id;
    std::optional<std::string> name;
    std::string type;  ///< "rsa", "dsa", ...
    ProjectId project;
    std::optional<UserId> creator;
    Status status = Status::Active;
    Timestamp created{};
    Timestamp updated{};
    std::vector<ContainerSecret> secrets;
};

}  // namespace sallyport::model
