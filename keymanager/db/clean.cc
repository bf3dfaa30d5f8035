#include "keymanager/db/clean.h"

#include <array>
#include <string>
#include <vector>

#include "keymanager/db/catalog.h"
#include "keymanager/db/session.h"

namespace sallyport::db {
namespace {

constexpr int BatchRows = 500;

/// Finds ids of rows that may go, and removes one by its id.
struct Step {
    Query find;
    Query remove;
    long Cleaned::*count;
};

#define SALLYPORT_STEP(table, condition, count)                                                                      \
    Step {                                                                                                           \
        {"SELECT id FROM " table " t WHERE t." condition " LIMIT 500", 1}, {"DELETE FROM " table " WHERE id = :id"}, \
            &Cleaned::count                                                                                          \
    }
#define SALLYPORT_DELETED_STEP(table, count) \
    SALLYPORT_STEP(table, "deleted = '1' AND (t.deleted_at IS NULL OR t.deleted_at < :before)", count)

/// Children come before what they refer to.
constexpr std::array Steps{
    SALLYPORT_DELETED_STEP("order_retry_tasks", parts),
    SALLYPORT_DELETED_STEP("order_plugin_metadata", parts),
    SALLYPORT_DELETED_STEP("order_barbican_metadata", parts),
    SALLYPORT_STEP("orders",
                   "deleted = '1' AND (t.deleted_at IS NULL OR t.deleted_at < :before)"
                   " AND NOT EXISTS (SELECT 1 FROM order_retry_tasks c WHERE c.order_id = t.id)"
                   " AND NOT EXISTS (SELECT 1 FROM order_plugin_metadata c WHERE c.order_id = t.id)"
                   " AND NOT EXISTS (SELECT 1 FROM order_barbican_metadata c WHERE c.order_id = t.id)",
                   orders),
    SALLYPORT_DELETED_STEP("encrypted_data", parts),
    SALLYPORT_DELETED_STEP("secret_store_metadata", parts),
    SALLYPORT_DELETED_STEP("secret_user_metadata", parts),
    SALLYPORT_DELETED_STEP("secret_consumer_metadata", parts),
    SALLYPORT_DELETED_STEP("container_secret", parts),
    SALLYPORT_DELETED_STEP("container_consumer_metadata", parts),
    // What belongs to a deleted secret or container and was not marked itself.
    SALLYPORT_STEP("secret_acl_users",
                   "acl_id IN (SELECT a.id FROM secret_acls a JOIN secrets s ON s.id = a.secret_id"
                   " WHERE s.deleted = '1' AND (s.deleted_at IS NULL OR s.deleted_at < :before))",
                   parts),
    SALLYPORT_STEP("secret_acls",
                   "secret_id IN (SELECT s.id FROM secrets s"
                   " WHERE s.deleted = '1' AND (s.deleted_at IS NULL OR s.deleted_at < :before))",
                   parts),
    SALLYPORT_STEP("container_acl_users",
                   "acl_id IN (SELECT a.id FROM container_acls a JOIN containers s ON s.id = a.container_id"
                   " WHERE s.deleted = '1' AND (s.deleted_at IS NULL OR s.deleted_at < :before))",
                   parts),
    SALLYPORT_STEP("container_acls",
                   "container_id IN (SELECT s.id FROM containers s"
                   " WHERE s.deleted = '1' AND (s.deleted_at IS NULL OR s.deleted_at < :before))",
                   parts),
    SALLYPORT_STEP("container_secret",
                   "container_id IN (SELECT s.id FROM containers s"
                   " WHERE s.deleted = '1' AND (s.deleted_at IS NULL OR s.deleted_at < :before))",
                   parts),
    SALLYPORT_STEP("containers",
                   "deleted = '1' AND (t.deleted_at IS NULL OR t.deleted_at < :before)"
                   " AND NOT EXISTS (SELECT 1 FROM orders c WHERE c.container_id = t.id)"
                   " AND NOT EXISTS (SELECT 1 FROM container_secret c WHERE c.container_id = t.id)"
                   " AND NOT EXISTS (SELECT 1 FROM container_acls c WHERE c.container_id = t.id)"
                   " AND NOT EXISTS (SELECT 1 FROM container_consumer_metadata c WHERE c.container_id = t.id)",
                   containers),
    // Of a removed project, when nothing is under it any more.
    SALLYPORT_STEP("kek_data",
                   "deleted = '1' AND (t.deleted_at IS NULL OR t.deleted_at < :before)"
                   " AND NOT EXISTS (SELECT 1 FROM encrypted_data c WHERE c.kek_id = t.id)"
                   " AND NOT EXISTS (SELECT 1 FROM sp_volume_headers c WHERE c.kek_id = t.id)",
                   parts),
    SALLYPORT_STEP("secrets",
                   "deleted = '1' AND (t.deleted_at IS NULL OR t.deleted_at < :before)"
                   " AND NOT EXISTS (SELECT 1 FROM orders c WHERE c.secret_id = t.id)"
                   " AND NOT EXISTS (SELECT 1 FROM container_secret c WHERE c.secret_id = t.id)"
                   " AND NOT EXISTS (SELECT 1 FROM encrypted_data c WHERE c.secret_id = t.id)"
                   " AND NOT EXISTS (SELECT 1 FROM secret_acls c WHERE c.secret_id = t.id)"
                   " AND NOT EXISTS (SELECT 1 FROM secret_store_metadata c WHERE c.secret_id = t.id)"
                   " AND NOT EXISTS (SELECT 1 FROM secret_user_metadata c WHERE c.secret_id = t.id)"
                   " AND NOT EXISTS (SELECT 1 FROM secret_consumer_metadata c WHERE c.secret_id = t.id)",
                   secrets),
};

#define SALLYPORT_NOTHING_REFERS_TO_P                                                                                  \
    " AND NOT EXISTS (SELECT 1 FROM secrets c WHERE c.project_id = p.id)"                                              \
    " AND NOT EXISTS (SELECT 1 FROM containers c WHERE c.project_id = p.id)"                                           \
    " AND NOT EXISTS (SELECT 1 FROM orders c WHERE c.project_id = p.id)"                                               \
    " AND NOT EXISTS (SELECT 1 FROM project_quotas c WHERE c.project_id = p.id)"                                       \
    " AND NOT EXISTS (SELECT 1 FROM project_secret_store c WHERE c.project_id = p.id)"                                 \
    " AND NOT EXISTS (SELECT 1 FROM container_consumer_metadata c WHERE c.project_id = p.id)"                          \
    " AND NOT EXISTS (SELECT 1 FROM secret_consumer_metadata c WHERE c.project_id = p.id)"                             \
    " AND NOT EXISTS (SELECT 1 FROM certificate_authorities c WHERE c.project_id = p.id)"                              \
    " AND NOT EXISTS (SELECT 1 FROM project_certificate_authorities c WHERE c.project_id = p.id)"                      \
    " AND NOT EXISTS (SELECT 1 FROM preferred_certificate_authorities c WHERE c.project_id = p.id)"                    \
    " AND NOT EXISTS (SELECT 1 FROM kek_data k JOIN encrypted_data e ON e.kek_id = k.id WHERE k.project_id = p.id)"    \
    " AND NOT EXISTS (SELECT 1 FROM kek_data k JOIN sp_volume_headers h ON h.kek_id = k.id WHERE k.project_id = p.id)" \
    " LIMIT 500"

constexpr Query FindRemovedProjects{
    "SELECT p.id FROM projects p WHERE p.deleted = '1' AND (p.deleted_at IS NULL OR p.deleted_at < "
    ":before)" SALLYPORT_NOTHING_REFERS_TO_P,
    1};
constexpr Query FindLoneProjects{
    "SELECT p.id FROM projects p WHERE p.created_at < :before" SALLYPORT_NOTHING_REFERS_TO_P, 1};
constexpr Query RemoveKeks{"DELETE FROM kek_data WHERE project_id = :id"};
constexpr Query RemoveProject{"DELETE FROM projects WHERE id = :id"};

/// Removes what is found until nothing is found any more. A batch is one transaction.
Result<long> remove_found(Database& database, const Query& find, Timestamp before,
                          const std::function<Result<void>(Session&, const std::string&)>& remove) {
    long removed = 0;
    while (true) {
        const long batch = TRY(database.write([&find, before, &remove](Session& session) -> Result<long> {
            const auto ids = TRY(strings_of(session, find, {before}));
            for (const std::string& id : ids) TRY(remove(session, id));
            return static_cast<long>(ids.size());
        }));
        removed += batch;
        if (batch < BatchRows) return removed;
    }
}

}  // namespace

Result<Cleaned> clean(Database& database, const CleanRequest& request) {
    Cleaned cleaned;
    for (const Step& step : Steps) {
        cleaned.*step.count += TRY(remove_found(database, step.find, request.deleted_before,
                                                [&step](Session& session, const std::string& id) -> Result<void> {
                                                    TRY(session.execute(step.remove, {id}));
                                                    return {};
                                                }));
    }
    const auto remove_project = [](Session& session, const std::string& id) -> Result<void> {
        TRY(session.execute(RemoveKeks, {id}));
        TRY(session.execute(RemoveProject, {id}));
        return {};
    };
    cleaned.projects += TRY(remove_found(database, FindRemovedProjects, request.deleted_before, remove_project));
    if (!request.unassociated_projects) return cleaned;
    cleaned.projects += TRY(remove_found(database, FindLoneProjects, request.deleted_before, remove_project));
    return cleaned;
}

}  // namespace sallyport::db
