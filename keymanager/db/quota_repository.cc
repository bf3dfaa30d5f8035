#include "keymanager/db/quota_repository.h"

#include <utility>

#include "keymanager/base/uuid.h"
#include "keymanager/db/queries.h"
#include "keymanager/db/repository.h"

namespace sallyport::db {
namespace {

/// take_quotas() reads them.
#define QUOTA_COLUMNS "q.secrets, q.orders, q.containers, q.consumers, q.cas"
constexpr int QuotaColumns = 5;

constexpr Query Find{"SELECT " QUOTA_COLUMNS
                     " FROM project_quotas q JOIN projects p ON p.id = q.project_id WHERE p.external_id = :project",
                     QuotaColumns};
constexpr Query List{"SELECT p.external_id, " QUOTA_COLUMNS
                     " FROM project_quotas q JOIN projects p ON p.id = q.project_id"
                     " ORDER BY q.created_at, q.id LIMIT :limit OFFSET :offset",
                     1 + QuotaColumns};
constexpr Query Count{"SELECT COUNT(*) FROM project_quotas q JOIN projects p ON p.id = q.project_id", 1};
// Barbican never sets the status of these rows, so they stay at its default.
constexpr std::string_view Pending = "PENDING";
constexpr Query Insert{
    "INSERT INTO project_quotas (id, created_at, updated_at, deleted, status, project_id, secrets, orders, containers,"
    " consumers, cas)"
    " VALUES (:id, :created, :updated, '0', :status, :project, :secrets, :orders, :containers, :consumers, :cas)"};
constexpr Query Update{
    "UPDATE project_quotas SET updated_at = :updated, secrets = :secrets, orders = :orders, containers = :containers,"
    " consumers = :consumers, cas = :cas WHERE project_id = :project"};
constexpr Query Remove{
    "DELETE FROM project_quotas WHERE project_id IN (SELECT p.id FROM projects p WHERE p.external_id = :project)"};
constexpr Query Lock{"UPDATE projects SET updated_at = :updated WHERE id = :id"};

model::Quotas take_quotas(Columns& row) {
    model::Quotas quotas;
    for (const model::QuotaField& field : model::QuotaFields) quotas.*field.member = row.optional_integer();
    return quotas;
}

}  // namespace

Result<std::optional<model::Quotas>> find_quotas(Session& session, const ProjectId& project) {
    std::optional<model::Quotas> found;
    TRY(session.select(Find, {project}, [&found](Columns& row) -> Result<void> {
        found = take_quotas(row);
        return row.finish();
    }));
    return found;
}

Result<void> put_quotas(Session& session, const ProjectId& project, const model::Quotas& quotas, Timestamp now) {
    const ProjectRowId row = TRY(ensure_project(session, project, now));
    const auto before = TRY(find_quotas(session, project));
    const model::Quotas all = model::merged(quotas, before.value_or(model::Quotas()));
    if (before) {
        TRY(session.execute(Update, {now, all.secrets, all.orders, all.containers, all.consumers, all.cas, row}));
    } else {
        TRY(session.execute(Insert, {random_uuid(), now, now, Pending, row, all.secrets, all.orders, all.containers,
                                     all.consumers, all.cas}));
    }
    return {};
}

Result<void> remove_quotas(Session& session, const ProjectId& project) {
    if (TRY(session.execute(Remove, {project})) > 0) return {};
    return Error{Code::NotFound, "Project quotas not found.", project.str()};
}

Result<model::PageOf<model::ProjectQuotas>> list_quotas(Session& session, const model::Page& page) {
    model::PageOf<model::ProjectQuotas> answer;
    answer.total = TRY(take_count(session, Count, {}));
    TRY(session.select(List, {page.limit, page.offset}, [&answer](Columns& row) -> Result<void> {
        model::ProjectQuotas one;
        one.project = row.id<ProjectId>();
        one.quotas = take_quotas(row);
        TRY(row.finish());
        answer.items.push_back(std::move(one));
        return {};
    }));
    return answer;
}

Result<void> lock_project(Session& session, const ProjectId& project, Timestamp now) {
    const ProjectRowId row = TRY(ensure_project(session, project, now));
    TRY(session.execute(Lock, {now, row}));
    return {};
}

}  // namespace sallyport::db
