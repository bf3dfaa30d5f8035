#pragma once

#include "keymanager/base/clock.h"
#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/db/database.h"
#include "keymanager/db/session.h"
#include "keymanager/model/access_list.h"

/// Barbican's tables of access lists as functions; see repository.h for what holds for all of them.
namespace sallyport::db {

/// The access list for `read`. Replaces what is there, but `created` stays; removing none is no error.
/// Error: `NotFound` if the object is not there.
Result<void> put_acl(Session& session, const SecretId& id, const model::AccessList& acl, Timestamp now);
Result<void> put_acl(Session& session, const ContainerId& id, const model::AccessList& acl, Timestamp now);
Result<void> remove_acl(Session& session, const SecretId& id);
Result<void> remove_acl(Session& session, const ContainerId& id);

/// What take_acl() reads of a SELECT that joins "LEFT JOIN ..._acls a" and "LEFT JOIN ..._acl_users u": all are NULL if
/// there is no list.
#define ACL_COLUMNS "a.id, a.project_access, a.created_at, a.updated_at, u.user_id"
inline constexpr int AclColumns = 5;
/// Every row names the same list, and one more of its users.
void take_acl(Columns& row, std::optional<model::AccessList>& acl);

}  // namespace sallyport::db
