#pragma once

#include "keymanager/base/clock.h"
#include "keymanager/base/result.h"
#include "keymanager/db/database.h"

namespace sallyport::db {

struct CleanRequest {
    Timestamp deleted_before;            ///< rows that were soft-deleted earlier go for good
    bool unassociated_projects = false;  ///< projects that nothing refers to, with their keys, go as well
};

struct Cleaned {
    long secrets = 0;
    long orders = 0;
    long containers = 0;
    long parts = 0;  ///< rows that belonged to those: encrypted data, metadata, consumers
    long projects = 0;
};

/// What `barbican-manage db clean` does: removes what was soft-deleted, children first, and leaves whatever a living
/// row still refers to. In transactions of a few hundred rows, so that others are not kept waiting; when it is broken
/// off, the rest is done by the next call.
Result<Cleaned> clean(Database& database, const CleanRequest& request);

}  // namespace sallyport::db
