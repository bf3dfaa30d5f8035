#pragma once

#include <span>
#include <string>
#include <vector>

#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/db/database.h"
#include "keymanager/model/consumer.h"
#include "keymanager/model/container.h"
#include "keymanager/model/secret.h"

/// Barbican's tables of consumers as functions; see repository.h for what holds for all of them. Consumers are deleted
/// softly, and come back when they are registered anew.
namespace sallyport::db {

/// Registers it and touches the secret; one that is registered already stays as it is. The owner's project must exist.
/// Error: `Conflict` if another session registers the same one now.
Result<void> put_consumer(Session& session, const SecretId& id, const model::SecretConsumer& consumer, Timestamp now);
/// `hash` is what container_consumer_metadata.data_hash holds: SHA-256 in hex of the id, the name and the URL.
Result<void> put_consumer(Session& session, const ContainerId& id, const model::ContainerConsumer& consumer,
                          const std::string& hash, Timestamp now);

/// The registered consumer of the same resource, with its owner. Error: `NotFound`.
Result<model::SecretConsumer> find_consumer(Session& session, const SecretId& id,
                                            const model::SecretConsumer& consumer);
Result<model::ContainerConsumer> find_consumer(Session& session, const ContainerId& id, const std::string& hash);
/// By the id of its row, which no answer shows. Error: `NotFound`, also if it is another object's.
Result<model::SecretConsumer> find_consumer_row(Session& session, const SecretId& id, const std::string& row);
Result<model::ContainerConsumer> find_consumer_row(Session& session, const ContainerId& id, const std::string& row);

/// The project's live secrets with this consumer, oldest first.
Result<std::vector<SecretId>> secrets_of_consumer(Session& session, const ProjectId& project,
                                                  const model::SecretConsumer& consumer, Timestamp now);

/// Oldest first.
Result<model::PageOf<model::SecretConsumer>> list_consumers(Session& session, const SecretId& id,
                                                            const model::Page& page);
/// By name.
Result<model::PageOf<model::ContainerConsumer>> list_consumers(Session& session, const ContainerId& id,
                                                               const model::Page& page);

/// Error: `NotFound`.
Result<void> delete_consumer(Session& session, const SecretId& id, const model::SecretConsumer& consumer,
                             Timestamp now);
Result<void> delete_consumer(Session& session, const ContainerId& id, const std::string& hash, Timestamp now);
/// All of a container's.
Result<void> delete_consumers(Session& session, const ContainerId& id, Timestamp now);

/// The secrets that a resource uses, whichever service registered it; the latest registration first.
Result<std::vector<SecretId>> secrets_used_by(Session& session, const std::string& resource_type,
                                              const std::string& resource_id);

/// Fills `consumers` of these secrets or containers, with one statement for all.
Result<void> load_consumers(Session& session, std::span<model::Secret> secrets);
Result<void> load_consumers(Session& session, std::span<model::Container> containers);

/// How many a project has registered.
Result<long> count_secret_consumers(Session& session, const ProjectId& owner);
Result<long> count_container_consumers(Session& session, const ProjectId& owner);

}  // namespace sallyport::db
