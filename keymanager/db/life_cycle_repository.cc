#include "keymanager/db/life_cycle_repository.h"

#include <array>
#include <utility>

#include "keymanager/db/acl_repository.h"
#include "keymanager/db/queries.h"
#include "keymanager/db/session.h"

namespace sallyport::db {
namespace {

// ---------------------------------------------------------------------------------------------- undeleting

// The payload is looked at whether it is deleted or not: a secret has at most one.
constexpr int RemainsColumns = 9;
constexpr Query FindRemains{
    "SELECT s.id, s.name, s.expiration, s.creator_id, p.external_id, s.deleted, s.deleted_at,"
    " CASE WHEN e.id IS NULL THEN '0' ELSE '1' END,"
    " CASE WHEN p.deleted = '1' OR k.deleted = '1' THEN '1' ELSE '0' END, " ACL_COLUMNS
    " FROM secrets s JOIN projects p ON p.id = s.project_id"
    " LEFT JOIN encrypted_data e ON e.secret_id = s.id"
    " LEFT JOIN kek_data k ON k.id = e.kek_id"
    " LEFT JOIN secret_acls a ON a.secret_id = s.id AND a.operation = 'read'"
    " LEFT JOIN secret_acl_users u ON u.acl_id = a.id"
    " WHERE s.id = :id",
    RemainsColumns + AclColumns};

constexpr Query ReviveSecret{
    "UPDATE secrets SET deleted = '0', deleted_at = NULL, updated_at = :updated WHERE id = :id AND deleted = '1'"};
/// Nobody takes these from a secret, so whatever is marked went with it; a Barbican marks them at a time of their own.
constexpr std::array ReviveAll{
    Query{"UPDATE encrypted_data SET deleted = '0', deleted_at = NULL, updated_at = :updated"
          " WHERE secret_id = :id AND deleted = '1'"},
    Query{"UPDATE secret_store_metadata SET deleted = '0', deleted_at = NULL, updated_at = :updated"
          " WHERE secret_id = :id AND deleted = '1'"},
};
/// Of these one may have been taken away while the secret lived; what went with it bears its time.
constexpr std::array ReviveCompanions{
    Query{"UPDATE secret_user_metadata SET deleted = '0', deleted_at = NULL, updated_at = :updated"
          " WHERE secret_id = :id AND deleted = '1' AND deleted_at = :deleted"},
    Query{"UPDATE secret_consumer_metadata SET deleted = '0', deleted_at = NULL, updated_at = :updated"
          " WHERE secret_id = :id AND deleted = '1' AND deleted_at = :deleted"},
    Query{"UPDATE container_secret SET deleted = '0', deleted_at = NULL, updated_at = :updated"
          " WHERE secret_id = :id AND deleted = '1' AND deleted_at = :deleted"},
};

Error no_secret(const SecretId& id) { return {Code::NotFound, "Secret not found.", id.str()}; }

// ---------------------------------------------------------------------------------------------- projects

#define OF_PROJECT "project_id IN (SELECT p.id FROM projects p WHERE p.external_id = :project AND p.deleted = '0')"

constexpr Query FindProject{"SELECT id FROM projects WHERE external_id = :project AND deleted = '0'", 1};
constexpr Query CountSecrets{"SELECT COUNT(*) FROM secrets WHERE deleted = '0' AND " OF_PROJECT, 1};
constexpr Query CountContainers{"SELECT COUNT(*) FROM containers WHERE deleted = '0' AND " OF_PROJECT, 1};
constexpr Query CountOrders{"SELECT COUNT(*) FROM orders WHERE deleted = '0' AND " OF_PROJECT, 1};
constexpr Query CountKeks{"SELECT COUNT(*) FROM kek_data WHERE deleted = '0' AND " OF_PROJECT, 1};
constexpr Query CountSecretConsumers{
    "SELECT COUNT(*) FROM secret_consumer_metadata WHERE deleted = '0' AND secret_id IN"
    " (SELECT s.id FROM secrets s JOIN projects p ON p.id = s.project_id"
    " WHERE s.deleted = '0' AND p.external_id = :project AND p.deleted = '0')",
    1};
constexpr Query CountContainerConsumers{
    "SELECT COUNT(*) FROM container_consumer_metadata WHERE deleted = '0' AND container_id IN"
    " (SELECT c.id FROM containers c JOIN projects p ON p.id = c.project_id"
    " WHERE c.deleted = '0' AND p.external_id = :project AND p.deleted = '0')",
    1};
constexpr Query SomeSecrets{"SELECT id FROM secrets WHERE deleted = '0' AND " OF_PROJECT " LIMIT :most", 1};
constexpr Query SomeContainers{"SELECT id FROM containers WHERE deleted = '0' AND " OF_PROJECT " LIMIT :most", 1};
constexpr Query SomeOrders{"SELECT id FROM orders WHERE deleted = '0' AND " OF_PROJECT " LIMIT :most", 1};

constexpr Query MarkKeks{
    "UPDATE kek_data SET deleted = '1', deleted_at = :deleted, updated_at = :updated"
    " WHERE deleted = '0' AND project_id = :project"};
constexpr Query MarkPreferredStore{
    "UPDATE project_secret_store SET deleted = '1', deleted_at = :deleted, updated_at = :updated"
    " WHERE deleted = '0' AND project_id = :project"};
// Quotas are never marked, here as in Barbican.
constexpr Query RemoveQuotas{"DELETE FROM project_quotas WHERE project_id = :project"};
constexpr Query MarkProject{
    "UPDATE projects SET deleted = '1', deleted_at = :deleted, updated_at = :updated WHERE id = :project"};

Result<ProjectRowId> row_of(Session& session, const ProjectId& project) {
    std::optional<ProjectRowId> found;
    TRY(session.select(FindProject, {project}, [&found](Columns& row) -> Result<void> {
        found = row.id<ProjectRowId>();
        return row.finish();
    }));
    if (!found) return Error{Code::NotFound, "the key manager has nothing of this project", project.str()};
    return *std::move(found);
}

template <class AnyId>
Result<std::vector<AnyId>> ids(Session& session, const Query& query, std::initializer_list<Param> params) {
    std::vector<AnyId> found;
    TRY(session.select(query, params, [&found](Columns& row) -> Result<void> {
        found.push_back(row.id<AnyId>());
        return row.finish();
    }));
    return found;
}

// ---------------------------------------------------------------------------------------------- what is over

constexpr Query ExpiredSecrets{"SELECT id FROM secrets WHERE deleted = '0' AND expiration <= :now LIMIT :most", 1};
constexpr Query FinishedOrders{
    "SELECT o.id, p.external_id FROM orders o JOIN projects p ON p.id = o.project_id"
    " WHERE o.deleted = '0' AND o.status IN ('ACTIVE', 'ERROR') AND o.updated_at < :before LIMIT :most",
    2};

}  // namespace

Result<SecretRemains> find_remains(Session& session, const SecretId& id) {
    std::optional<SecretRemains> found;
    TRY(session.select(FindRemains, {id}, [&found](Columns& row) -> Result<void> {
        if (!found) {
            found.emplace();
            model::Secret& secret = found->secret;
            secret.id = row.id<SecretId>();
            secret.attributes.name = row.optional_text();
            secret.attributes.expiration = row.optional_time();
            secret.creator = row.optional_id<UserId>();
            secret.project = row.id<ProjectId>();
            const bool is_deleted = row.flag();
            const auto at = row.optional_time();
            // A mark without its time is older than any window.
            if (is_deleted) found->deleted = at.value_or(Timestamp());
            found->has_payload = row.flag();
            found->key_is_gone = row.flag();
        } else {
            row.skip(RemainsColumns);
        }
        take_acl(row, found->secret.acl);
        return row.finish();
    }));
    if (!found) return no_secret(id);
    return *std::move(found);
}

Result<void> undelete_secret(Session& session, const SecretId& id, Timestamp deleted, Timestamp now) {
    if (TRY(session.execute(ReviveSecret, {now, id})) == 0) return no_secret(id);
    for (const Query& revive : ReviveAll) TRY(session.execute(revive, {now, id}));
    for (const Query& revive : ReviveCompanions) TRY(session.execute(revive, {now, id, deleted}));
    return {};
}

Result<model::ProjectHoldings> count_holdings(Session& session, const ProjectId& project) {
    TRY(row_of(session, project));
    model::ProjectHoldings holdings;
    holdings.secrets = TRY(take_count(session, CountSecrets, {project}));
    holdings.containers = TRY(take_count(session, CountContainers, {project}));
    holdings.orders = TRY(take_count(session, CountOrders, {project}));
    holdings.keks = TRY(take_count(session, CountKeks, {project}));
    holdings.consumers = TRY(take_count(session, CountSecretConsumers, {project}))
    +TRY(take_count(session, CountContainerConsumers, {project}));
    return holdings;
}

Result<std::vector<SecretId>> secrets_of(Session& session, const ProjectId& project, int most) {
    return ids<SecretId>(session, SomeSecrets, {project, most});
}
Result<std::vector<ContainerId>> containers_of(Session& session, const ProjectId& project, int most) {
    return ids<ContainerId>(session, SomeContainers, {project, most});
}
Result<std::vector<OrderId>> orders_of(Session& session, const ProjectId& project, int most) {
    return ids<OrderId>(session, SomeOrders, {project, most});
}

Result<long> delete_project(Session& session, const ProjectId& project, Timestamp now) {
    const ProjectRowId row = TRY(row_of(session, project));
    const long keks = TRY(session.execute(MarkKeks, {now, now, row}));
    TRY(session.execute(MarkPreferredStore, {now, now, row}));
    TRY(session.execute(RemoveQuotas, {row}));
    TRY(session.execute(MarkProject, {now, now, row}));
    return keks;
}

Result<std::vector<SecretId>> expired_secrets(Session& session, Timestamp now, int most) {
    return ids<SecretId>(session, ExpiredSecrets, {now, most});
}

Result<std::vector<model::OrderOfProject>> finished_orders(Session& session, Timestamp before, int most) {
    std::vector<model::OrderOfProject> found;
    TRY(session.select(FinishedOrders, {before, most}, [&found](Columns& row) -> Result<void> {
        model::OrderOfProject one;
        one.order = row.id<OrderId>();
        one.project = row.id<ProjectId>();
        found.push_back(std::move(one));
        return row.finish();
    }));
    return found;
}

}  // namespace sallyport::db
