#pragma once

#include "keymanager/base/ids.h"

namespace sallyport::model {

/// What a project has in the key manager, or how much of it went. Expired objects count, deleted ones do not.
struct ProjectHoldings {
    long secrets = 0;
    long containers = 0;
    long orders = 0;
    long keks = 0;       ///< its key-encryption keys
    long consumers = 0;  ///< who is registered to use its secrets and containers

    friend bool operator==(const ProjectHoldings&, const ProjectHoldings&) = default;
};

/// Which order, and whose.
struct OrderOfProject {
    OrderId order;
    ProjectId project;
};

}  // namespace sallyport::model
