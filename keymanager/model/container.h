#pragma once

#include <optional>
#include <string>
#include <vector>

#include "keymanager/base/clock.h"
#include "keymanager/base/ids.h"
#include "keymanager/model/access_list.h"
#include "keymanager/model/consumer.h"
#include "keymanager/model/secret.h"

namespace sallyport::model {

/// A row of container_secret: a secret and the part that it plays ("private_key").
struct ContainerSecret {
    std::optional<std::string> name;
    SecretId secret;
};

/// A row of containers with what every answer shows of it.
struct Container {
    ContainerId id;
    std::optional<std::string> name;
    std::string type;  ///< "generic", "rsa", "certificate"; "dsa" from orders
    ProjectId project;
    std::optional<UserId> creator;
    Status status = Status::Active;
    Timestamp created{};
    Timestamp updated{};
    std::vector<ContainerSecret> secrets;
    std::vector<ContainerConsumer> consumers;
    std::optional<AccessList> acl;  ///< absent: the project's roles alone decide
};

/// Filters of GET /v1/containers; all given ones must match.
struct ContainerFilter {
    std::optional<std::string> name;
    std::optional<std::string> type;
};

}  // namespace sallyport::model
