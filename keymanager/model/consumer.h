#pragma once

#include <string>

#include "keymanager/base/clock.h"
#include "keymanager/base/ids.h"

namespace sallyport::model {

/// A row of secret_consumer_metadata: what of which service uses a secret.
struct SecretConsumer {
    std::string service;        ///< "image"
    std::string resource_type;  ///< "image"
    std::string resource_id;    ///< of the service's own resource
    ProjectId owner;            ///< whose caller registered it
    Timestamp created{};        ///< set by the repository when read
    Timestamp updated{};        ///< likewise
};

/// A row of container_consumer_metadata: who uses a container.
struct ContainerConsumer {
    std::string name;  ///< "lbaas"
    std::string url;   ///< whatever the consumer says: it is not followed
    ProjectId owner;
    Timestamp created{};
    Timestamp updated{};
};

}  // namespace sallyport::model
