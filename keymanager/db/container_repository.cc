#include "keymanager/db/container_repository.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <utility>

#include "keymanager/base/uuid.h"
#include "keymanager/db/acl_repository.h"
#include "keymanager/db/consumer_repository.h"
#include "keymanager/db/queries.h"
#include "keymanager/db/repository.h"
#include "keymanager/db/session.h"

namespace sallyport::db {
namespace {

/// One list of columns for every SELECT of containers; take_container() reads it.
#define CONTAINER_COLUMNS "c.id, c.name, c.type, p.external_id, c.creator_id, c.status, c.created_at, c.updated_at"
constexpr int ContainerColumns = 8;

constexpr Query InsertContainer{
    "INSERT INTO containers (id, created_at, updated_at, deleted, status, name, type, project_id, creator_id) "
    "VALUES (:id, :created, :updated, '0', :status, :name, :type, :project, :creator)"};
constexpr Query FindContainer{"SELECT " CONTAINER_COLUMNS ", " ACL_COLUMNS
                              " FROM containers c JOIN projects p ON p.id = c.project_id"
                              " LEFT JOIN container_acls a ON a.container_id = c.id AND a.operation = 'read'"
                              " LEFT JOIN container_acl_users u ON u.acl_id = a.id"
                              " WHERE c.id = :id AND c.deleted = '0'",
                              ContainerColumns + AclColumns};
constexpr Query CountContainers{
    "SELECT COUNT(*) FROM containers c JOIN projects p ON p.id = c.project_id"
    " WHERE p.external_id = :project AND c.deleted = '0'",
    1};
constexpr Query MarkContainer{
    "UPDATE containers SET deleted = '1', deleted_at = :deleted, updated_at = :updated"
    " WHERE id = :id AND deleted = '0'"};
constexpr Query TouchContainer{"UPDATE containers SET updated_at = :updated WHERE id = :id AND deleted = '0'"};

constexpr std::array<std::string_view, 4> ColumnTypes{"generic", "rsa", "dsa", "certificate"};

// Barbican never sets the status of these rows, so they stay at its default.
constexpr std::string_view Pending = "PENDING";
constexpr Query InsertMember{
    "INSERT INTO container_secret (id, created_at, updated_at, deleted, status, name, container_id, secret_id) "
    "VALUES (:id, :created, :updated, '0', :status, :name, :container, :secret)"};
// NULL is a name too: a column that may hold it is compared by its text, which no name can be.
constexpr Query FindMember{
    "SELECT id, deleted FROM container_secret WHERE container_id = :container AND secret_id = :secret"
    " AND COALESCE(name, '') = :name AND CASE WHEN name IS NULL THEN '1' ELSE '0' END = :unnamed",
    2};
constexpr Query ReviveMember{
    "UPDATE container_secret SET deleted = '0', deleted_at = NULL, updated_at = :updated WHERE id = :id"};
constexpr Query MarkMember{
    "UPDATE container_secret SET deleted = '1', deleted_at = :deleted, updated_at = :updated WHERE id = :id"};
constexpr Query RemoveMembers{"DELETE FROM container_secret WHERE container_id = :id"};

Error no_container(const ContainerId& id) { return {Code::NotFound, "Secrets container not found.", id.str()}; }

model::Container take_container(Columns& row, Result<void>& sense) {
    model::Container container;
    container.id = row.id<ContainerId>();
    container.name = row.optional_text();
    container.type = row.optional_text().value_or("");
    container.project = row.id<ProjectId>();
    container.creator = row.optional_id<UserId>();
    const std::string status = row.text();
    container.created = row.time();
    container.updated = row.time();
    const auto known = model::status_from(status);
    if (known) {
        container.status = *known;
    } else {
        sense = Error{Code::Corrupt, "the container's row is damaged",
                      "container " + container.id.str() + ": status '" + status + "'"};
    }
    return container;
}

Result<void> load_members(Session& session, std::span<model::Container> containers) {
    if (containers.empty()) return {};
    StatementText statement;
    statement.add(
        "SELECT cs.container_id, cs.name, cs.secret_id FROM container_secret cs JOIN secrets s ON s.id = cs.secret_id");
    statement.add_list(" WHERE cs.container_id IN", containers, &model::Container::id);
    statement.add(" AND cs.deleted = '0' AND s.deleted = '0' ORDER BY cs.created_at, cs.name, cs.id");
    return session.select_once(statement.text, 3, statement.params, [containers](Columns& row) -> Result<void> {
        const auto owner = row.id<ContainerId>();
        model::ContainerSecret member;
        member.name = row.optional_text();
        member.secret = row.id<SecretId>();
        TRY(row.finish());
        const auto at = std::ranges::find(containers, owner, &model::Container::id);
        if (at != containers.end()) at->secrets.push_back(std::move(member));
        return {};
    });
}

struct MemberRow {
    std::string id;
    bool deleted = false;
};
Result<std::optional<MemberRow>> find_member(Session& session, const ContainerId& id,
                                             const model::ContainerSecret& member) {
    std::optional<MemberRow> found;
    TRY(session.select(FindMember, {id, member.secret, member.name.value_or(""), Param::flag(!member.name)},
                       [&found](Columns& row) -> Result<void> {
                           MemberRow one;
                           one.id = row.text();
                           one.deleted = row.flag();
                           TRY(row.finish());
                           // Of rows that only differ in being deleted the live one counts: the table's key does not
                           // hold NULLs apart.
                           if (!found || !one.deleted) found = std::move(one);
                           return {};
                       }));
    return found;
}

}  // namespace

Result<void> insert_container(Session& session, const model::Container& container) {
    const ProjectRowId project = TRY(ensure_project(session, container.project, container.created));
    TRY(session.execute(InsertContainer,
                        {container.id, container.created, container.updated, model::text_of(container.status),
                         container.name, container.type, project, container.creator}));
    for (const model::ContainerSecret& member : container.secrets) {
        TRY(session.execute(InsertMember, {random_uuid(), container.created, container.updated, Pending, member.name,
                                           container.id, member.secret}));
    }
    return {};
}

Result<model::Container> find_container(Session& session, const ContainerId& id) {
    std::optional<model::Container> found;
    Result<void> sense;
    TRY(session.select(FindContainer, {id}, [&found, &sense](Columns& row) -> Result<void> {
        if (!found) {
            found = take_container(row, sense);
        } else {
            row.skip(ContainerColumns);
        }
        take_acl(row, found->acl);
        TRY(row.finish());
        return sense;
    }));
    if (!found) return no_container(id);
    TRY(load_members(session, std::span(&*found, 1)));
    TRY(load_consumers(session, std::span(&*found, 1)));
    return *std::move(found);
}

Result<model::PageOf<model::Container>> list_containers(Session& session, const ProjectId& project,
                                                        const model::ContainerFilter& filter, const model::Page& page) {
    constexpr std::string_view From = " FROM containers c JOIN projects p ON p.id = c.project_id";
    // Where the column is an enumeration a word that it does not know would be an error.
    if (filter.type && std::ranges::find(ColumnTypes, *filter.type) == ColumnTypes.end())
        return model::PageOf<model::Container>();
    StatementText where;
    where.add(" WHERE p.external_id = ", project);
    where.add(" AND c.deleted = '0'");
    if (filter.name) where.add_like(" AND c.name", *filter.name);
    if (filter.type) where.add(" AND c.type = ", *filter.type);

    model::PageOf<model::Container> answer;
    const std::string count = "SELECT COUNT(*)" + std::string(From) + where.text;
    TRY(session.select_once(count, 1, where.params, [&answer](Columns& row) -> Result<void> {
        answer.total = row.integer();
        return row.finish();
    }));
    if (answer.total == 0) return answer;

    where.add(" ORDER BY c.created_at, c.id");
    where.add(" LIMIT ", page.limit);
    where.add(" OFFSET ", page.offset);
    const std::string select = "SELECT " CONTAINER_COLUMNS + std::string(From) + where.text;
    TRY(session.select_once(select, ContainerColumns, where.params, [&answer](Columns& row) -> Result<void> {
        Result<void> sense;
        answer.items.push_back(take_container(row, sense));
        TRY(row.finish());
        return sense;
    }));
    TRY(load_members(session, answer.items));
    TRY(load_consumers(session, std::span(answer.items)));
    return answer;
}

Result<void> delete_container(Session& session, const ContainerId& id, Timestamp now) {
    if (TRY(session.execute(MarkContainer, {now, now, id})) == 0) return no_container(id);
    TRY(session.execute(RemoveMembers, {id}));
    TRY(delete_consumers(session, id, now));
    return remove_acl(session, id);
}

Result<long> count_containers(Session& session, const ProjectId& project) {
    return take_count(session, CountContainers, {project});
}

Result<void> insert_container_secret(Session& session, const ContainerId& id, const model::ContainerSecret& member,
                                     Timestamp now) {
    const auto row = TRY(find_member(session, id, member));
    if (row && !row->deleted) return Error{Code::Conflict, "the container has that secret already", id.str()};
    if (TRY(session.execute(TouchContainer, {now, id})) == 0) return no_container(id);
    if (row) {
        TRY(session.execute(ReviveMember, {now, row->id}));
    } else {
        TRY(session.execute(InsertMember, {random_uuid(), now, now, Pending, member.name, id, member.secret}));
    }
    return {};
}

Result<void> delete_container_secret(Session& session, const ContainerId& id, const model::ContainerSecret& member,
                                     Timestamp now) {
    const auto row = TRY(find_member(session, id, member));
    if (!row || row->deleted) return Error{Code::NotFound, "the container has no such secret", id.str()};
    TRY(session.execute(MarkMember, {now, now, row->id}));
    return {};
}

}  // namespace sallyport::db
