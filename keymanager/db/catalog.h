#pragma once

#include <string>
#include <vector>

#include "keymanager/base/result.h"
#include "keymanager/db/dialect.h"
#include "keymanager/db/session.h"

/// What a database says of itself: names of tables and columns, facts about the server.
namespace sallyport::db {

/// In alphabetical order.
Result<std::vector<std::string>> table_names(Session& session, SchemaDialect dialect);
/// In the order of the table; empty if there is no such table.
Result<std::vector<std::string>> column_names(Session& session, SchemaDialect dialect, const std::string& table);
/// The first column of each row.
Result<std::vector<std::string>> strings_of(Session& session, const Query& query, std::initializer_list<Param> params);

}  // namespace sallyport::db
