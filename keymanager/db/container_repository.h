#pragma once

#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/db/database.h"
#include "keymanager/model/container.h"

/// Barbican's tables of containers as functions; see repository.h for what holds for all of them.
namespace sallyport::db {

/// With its rows of container_secret. The secrets must exist.
Result<void> insert_container(Session& session, const model::Container& container);
/// With its access list, its secrets (those that are deleted are left out) and its consumers. Error: `NotFound`.
Result<model::Container> find_container(Session& session, const ContainerId& id);
/// The same for the containers of a project, oldest first, without access lists.
Result<model::PageOf<model::Container>> list_containers(Session& session, const ProjectId& project,
                                                        const model::ContainerFilter& filter, const model::Page& page);
/// Soft, with its consumers; its secrets stay. Error: `NotFound`.
Result<void> delete_container(Session& session, const ContainerId& id, Timestamp now);
Result<long> count_containers(Session& session, const ProjectId& project);

/// Error: `Conflict` if the container has that secret under that name already.
Result<void> insert_container_secret(Session& session, const ContainerId& id, const model::ContainerSecret& member,
                                     Timestamp now);
/// Soft. Error: `NotFound` if the container has no such secret under that name.
Result<void> delete_container_secret(Session& session, const ContainerId& id, const model::ContainerSecret& member,
                                     Timestamp now);

}  // namespace sallyport::db
