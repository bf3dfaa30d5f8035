#include "keymanager/db/catalog.h"

namespace sallyport::db {
namespace {

constexpr Query SqliteTables{
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name", 1};
constexpr Query MariaDbTables{
    "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
    " AND table_type = 'BASE TABLE' ORDER BY table_name",
    1};
constexpr Query PostgreSqlTables{
    "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
    " AND table_type = 'BASE TABLE' ORDER BY table_name",
    1};
constexpr Query SqliteColumns{"SELECT name FROM pragma_table_info(:table) ORDER BY cid", 1};
constexpr Query MariaDbColumns{
    "SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = :table"
    " ORDER BY ordinal_position",
    1};
constexpr Query PostgreSqlColumns{
    "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = :table"
    " ORDER BY ordinal_position",
    1};

}  // namespace

Result<std::vector<std::string>> strings_of(Session& session, const Query& query, std::initializer_list<Param> params) {
    std::vector<std::string> found;
    TRY(session.select(query, params, [&found](Columns& row) -> Result<void> {
        found.push_back(row.optional_text().value_or(""));
        return {};
    }));
    return found;
}

Result<std::vector<std::string>> table_names(Session& session, SchemaDialect dialect) {
    switch (dialect) {
        case SchemaDialect::Sqlite: return strings_of(session, SqliteTables, {});
        case SchemaDialect::MariaDb: return strings_of(session, MariaDbTables, {});
        case SchemaDialect::PostgreSql: return strings_of(session, PostgreSqlTables, {});
    }
    return std::vector<std::string>();
}

Result<std::vector<std::string>> column_names(Session& session, SchemaDialect dialect, const std::string& table) {
    switch (dialect) {
        case SchemaDialect::Sqlite: return strings_of(session, SqliteColumns, {table});
        case SchemaDialect::MariaDb: return strings_of(session, MariaDbColumns, {table});
        case SchemaDialect::PostgreSql: return strings_of(session, PostgreSqlColumns, {table});
    }
    return std::vector<std::string>();
}

}  // namespace sallyport::db
