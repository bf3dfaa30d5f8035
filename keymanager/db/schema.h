#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "keymanager/base/result.h"
#include "keymanager/db/dialect.h"
#include "keymanager/db/session.h"

namespace sallyport::db {

/// The Alembic revision of Barbican's tables that this program reads and writes.
inline constexpr std::string_view AlembicRevision = "8c74e2d7f1ff";
/// The revision of our own tables and indexes, in sp_schema. 1 had no indexes, 2 knew no volumes, 3
/// no images.
inline constexpr int OwnRevision = 4;

/// False where each statement of DDL commits by itself.
bool ddl_is_transactional(SchemaDialect dialect);

/// Barbican's tables; what a table refers to stands before it.
std::vector<std::string> barbican_table_names();

/// True if nothing is left to be made. Error: `Conflict` if the database is at a revision that is not ours.
Result<bool> is_schema_made(Session& session);

/// See Database::create_schema. Runs inside the caller's transaction, where DDL knows transactions; elsewhere
/// (MariaDB) outside of any, several agents at a time if it must be, and what a crash leaves is gone on with.
Result<void> create_or_check_schema(Session& session, SchemaDialect dialect);

}  // namespace sallyport::db
