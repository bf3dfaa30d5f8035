#include "keymanager/db/acl_repository.h"

#include <algorithm>
#include <set>
#include <utility>

#include "keymanager/base/uuid.h"

namespace sallyport::db {
namespace {

constexpr std::string_view ReadOperation = "read";  // the only one that lists know
constexpr std::string_view Active = "ACTIVE";

/// The statements for one kind of object; those of secrets and of containers differ in the names of tables alone.
struct AclQueries {
    Query touch;
    Query find;
    Query remove_users;
    Query remove;
    Query insert;
    Query insert_user;
    const char* not_found;
};

#define ACL_QUERIES(objects, object, not_found)                                                                    \
    {                                                                                                              \
        {"UPDATE " objects " SET updated_at = :updated WHERE id = :id AND deleted = '0'"},                         \
            {"SELECT created_at FROM " object "_acls WHERE " object "_id = :id AND operation = :operation", 1},    \
            {"DELETE FROM " object "_acl_users WHERE acl_id IN (SELECT id FROM " object "_acls WHERE " object      \
             "_id = :id)"},                                                                                        \
            {"DELETE FROM " object "_acls WHERE " object "_id = :id"},                                             \
            {"INSERT INTO " object "_acls (id, created_at, updated_at, deleted, status, " object                   \
             "_id, operation, project_access) VALUES (:id, :created, :updated, '0', :status, :object, :operation," \
             " :project_access)"},                                                                                 \
            {"INSERT INTO " object                                                                                 \
             "_acl_users (id, created_at, updated_at, deleted, status, acl_id, user_id)"                           \
             " VALUES (:id, :created, :updated, '0', :status, :acl, :user)"},                                      \
            not_found                                                                                              \
    }
constexpr AclQueries OfSecrets = ACL_QUERIES("secrets", "secret", "Secret not found.");
constexpr AclQueries OfContainers = ACL_QUERIES("containers", "container", "Secrets container not found.");

Result<void> remove(Session& session, const AclQueries& queries, const std::string& id) {
    TRY(session.execute(queries.remove_users, {id}));
    TRY(session.execute(queries.remove, {id}));
    return {};
}

Result<void> put(Session& session, const AclQueries& queries, const std::string& id, const model::AccessList& acl,
                 Timestamp now) {
    if (TRY(session.execute(queries.touch, {now, id})) == 0) return Error{Code::NotFound, queries.not_found, id};
    Timestamp created = now;
    TRY(session.select(queries.find, {id, ReadOperation}, [&created](Columns& row) -> Result<void> {
        created = row.time();
        return row.finish();
    }));
    TRY(remove(session, queries, id));
    const std::string acl_id = random_uuid();
    TRY(session.execute(queries.insert,
                        {acl_id, created, now, Active, id, ReadOperation, Param::flag(acl.project_access)}));
    std::set<UserId> written;  // callers may name a user twice; the table may not
    for (const UserId& user : acl.users) {
        if (!written.insert(user).second) continue;
        TRY(session.execute(queries.insert_user, {random_uuid(), now, now, Active, acl_id, user}));
    }
    return {};
}

}  // namespace

Result<void> put_acl(Session& session, const SecretId& id, const model::AccessList& acl, Timestamp now) {
    return put(session, OfSecrets, id.str(), acl, now);
}
Result<void> put_acl(Session& session, const ContainerId& id, const model::AccessList& acl, Timestamp now) {
    return put(session, OfContainers, id.str(), acl, now);
}
Result<void> remove_acl(Session& session, const SecretId& id) { return remove(session, OfSecrets, id.str()); }
Result<void> remove_acl(Session& session, const ContainerId& id) { return remove(session, OfContainers, id.str()); }

void take_acl(Columns& row, std::optional<model::AccessList>& acl) {
    if (row.next_is_null()) return row.skip(AclColumns);
    row.skip(1);
    if (acl) {
        row.skip(3);
    } else {
        acl.emplace();
        acl->project_access = row.flag();
        acl->created = row.time();
        acl->updated = row.time();
    }
    auto user = row.optional_id<UserId>();
    auto& users = acl->users;
    if (user && std::ranges::find(users, *user) == users.end()) users.push_back(*std::move(user));
}

}  // namespace sallyport::db
