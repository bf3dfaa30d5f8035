#pragma once

#include <string_view>

#include "keymanager/base/result.h"
#include "keymanager/db/session.h"

namespace sallyport::db {

/// The Alembic revision of Barbican's tables that this program reads and writes.
inline constexpr std::string_view AlembicRevision = "8c74e2d7f1ff";
/// The revision of our own tables, in sp_schema.
inline constexpr int OwnRevision = 1;

/// See Database::create_schema. Runs inside the caller's transaction.
Result<void> create_or_check_schema(Session& session);

}  // namespace sallyport::db
