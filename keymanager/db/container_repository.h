#pragma once

#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/db/database.h"
#include "keymanager/model/container.h"

/// Barbican's tables of containers as functions; see repository.h for what holds for all of them.
namespace sallyport::db {

/// With its rows of container_secret. `container.project` and the secrets must exist.
Result<void> insert_container(Session& session, const model::Container& container);
/// Secrets that are deleted are left out. Error: `NotFound`.
Result<model::Container> find_container(Session& session, const ContainerId& id);

}  // namespace sallyport::db
