#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keymanager/base/clock.h"
#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/db/database.h"
#include "keymanager/model/kek.h"
#include "keymanager/model/order.h"
#include "keymanager/model/secret.h"

/// Barbican's tables as functions: the SQL, written once for every vendor. Each takes the session of a transaction
/// (Database::read or write). Rows that are soft-deleted or expired are invisible unless a function says otherwise.
/// Errors beside those named: `Unavailable` if the session is lost, `Corrupt` if a row makes no sense.
namespace sallyport::db {

/// The project's row, made on first use; one that was removed comes back (its keys do not).
Result<ProjectRowId> ensure_project(Session& session, const ProjectId& project, Timestamp now);

/// A secret and everything about it but its payload. Error: `NotFound`.
Result<model::Secret> find_secret(Session& session, const SecretId& id, Timestamp now);
/// `secret.project` must exist. Fills nothing in: id and times are the caller's.
Result<void> insert_secret(Session& session, const model::Secret& secret);
/// `total`, if it is known, is not counted again.
Result<model::PageOf<model::Secret>> list_secrets(Session& session, const ProjectId& project,
                                                  const model::SecretFilter& filter, const model::Page& page,
                                                  Timestamp now, const std::optional<long>& total = std::nullopt);
/// Secrets of all projects whose names begin with `prefix` (no '!', '%' or '_' in it), oldest first. Looks at every
/// row.
struct NamedSecret {
    SecretId id;
    std::string name;
};
Result<std::vector<NamedSecret>> find_secrets_named(Session& session, std::string_view prefix, Timestamp now);
/// When the first secret expires that has not yet, of whatever project; `Timestamp::max()` if none will.
Result<Timestamp> next_expiration(Session& session, Timestamp now);
/// Soft: the row, its encrypted data, its metadata and its consumers are marked; its access list stays.
/// Error: `NotFound`.
Result<void> delete_secret(Session& session, const SecretId& id, Timestamp now);
/// The same whether it has expired or not.
Result<void> delete_expired_secret(Session& session, const SecretId& id, Timestamp now);
Result<long> count_secrets(Session& session, const ProjectId& project, Timestamp now);

/// What one unwrap needs.
struct StoredPayload {
    model::KekMeta kek;
    model::WrappedSecret wrapped;
    std::string content_type;
};
/// Error: `NotFound` if the secret has no payload.
Result<StoredPayload> find_payload(Session& session, const SecretId& id);
/// One SELECT for the hot path: secret with ACL and payload together. `payload` is absent if there is none.
struct SecretWithPayload {
    model::Secret secret;
    std::optional<StoredPayload> payload;
};
Result<SecretWithPayload> find_secret_with_payload(Session& session, const SecretId& id, Timestamp now);
/// Also writes the two rows of secret_store_metadata and touches updated_at. Error: `Conflict` if it has one already.
Result<void> insert_payload(Session& session, const SecretId& id, const KekId& kek, const model::WrappedSecret& wrapped,
                            const std::string& content_type, const std::string& store_plugin, Timestamp now);

/// The active pKEK of a project for one plug-in, if there is one.
Result<std::optional<model::KekMeta>> find_kek(Session& session, const ProjectId& project,
                                               const std::string& plugin_name);
Result<void> insert_kek(Session& session, const model::KekMeta& kek, Timestamp now);

Result<void> insert_order(Session& session, const model::Order& order);
/// Only within the project: another project's order is `NotFound`.
Result<model::Order> find_order(Session& session, const ProjectId& project, const OrderId& id);
/// Oldest first. `meta` keeps only orders whose meta column contains it as a whole JSON string.
Result<model::PageOf<model::Order>> list_orders(Session& session, const ProjectId& project,
                                                const std::optional<std::string>& meta, const model::Page& page);
Result<long> count_orders(Session& session, const ProjectId& project);
Result<void> delete_order(Session& session, const ProjectId& project, const OrderId& id, Timestamp now);

/// The canary of a secret store, in sp_canaries.
Result<std::optional<std::string>> find_canary(Session& session, const std::string& store_name);
/// The KEKs that can prove a store's master key on a database that its canary does not speak for, one that Barbican
/// filled: active ones of the plug-in, the oldest and the newest `most` of them. None if there is a canary, or nothing.
/// Asks before it looks which tables there are, so it comes before create_schema() changes anything.
Result<std::vector<model::KekMeta>> find_keks_without_canary(Session& session, const std::string& store_name,
                                                             const std::string& plugin_name, int most);
Result<void> put_canary(Session& session, const std::string& store_name, const std::string& canary, Timestamp now);

}  // namespace sallyport::db
