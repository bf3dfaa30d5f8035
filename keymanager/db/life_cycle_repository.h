#pragma once

#include <optional>
#include <vector>

#include "keymanager/base/clock.h"
#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/db/database.h"
#include "keymanager/model/life_cycle.h"
#include "keymanager/model/secret.h"

/// What ends and what comes back: undeleting, the objects of a project, what is over its time. See repository.h for
/// what holds for all of Barbican's tables. Deleting is soft throughout: `db clean` is what frees the rows.
namespace sallyport::db {

/// A secret's row whether it is deleted or not.
struct SecretRemains {
    model::Secret secret;              ///< id, name, expiration, project, creator and access list; nothing else is read
    std::optional<Timestamp> deleted;  ///< absent: it is not
    bool has_payload = false;          ///< its ciphertext is still there
    bool key_is_gone = false;          ///< its project was removed, or the key that its payload is under
};
/// Error: `NotFound` if there is no row (any more).
Result<SecretRemains> find_remains(Session& session, const SecretId& id);
/// Brings back the row, its payload, and of its metadata, consumers and places in containers those that went with it at
/// `deleted`, not those that were taken away before. Error: `NotFound` if it is not deleted.
Result<void> undelete_secret(Session& session, const SecretId& id, Timestamp deleted, Timestamp now);

/// Error: `NotFound` if the project has no row, or was removed.
Result<model::ProjectHoldings> count_holdings(Session& session, const ProjectId& project);
/// At most `most` of what a project has, in any order, expired or not.
Result<std::vector<SecretId>> secrets_of(Session& session, const ProjectId& project, int most);
Result<std::vector<ContainerId>> containers_of(Session& session, const ProjectId& project, int most);
Result<std::vector<OrderId>> orders_of(Session& session, const ProjectId& project, int most);
/// The end of a project that has no objects: its keys, its quotas, the store it prefers, its row. How many keys went.
Result<long> delete_project(Session& session, const ProjectId& project, Timestamp now);

/// At most `most` secrets that are not deleted but past their expiration.
Result<std::vector<SecretId>> expired_secrets(Session& session, Timestamp now, int most);
/// At most `most` orders that are ACTIVE or in ERROR and were not touched since `before`.
Result<std::vector<model::OrderOfProject>> finished_orders(Session& session, Timestamp before, int most);

}  // namespace sallyport::db
