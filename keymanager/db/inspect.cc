#include "keymanager/db/inspect.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "keymanager/db/catalog.h"
#include "keymanager/db/schema.h"
#include "keymanager/db/session.h"

namespace sallyport::db {
namespace {

constexpr Query FindAlembicRevision{"SELECT version_num FROM alembic_version", 1};
constexpr Query FindOwnRevision{"SELECT revision FROM sp_schema", 1};
constexpr Query CountSecrets{"SELECT COUNT(*) FROM secrets WHERE deleted = '0'", 1};
constexpr Query CountDeletedSecrets{"SELECT COUNT(*) FROM secrets WHERE deleted = '1'", 1};
constexpr Query CountOrders{"SELECT COUNT(*) FROM orders WHERE deleted = '0'", 1};
constexpr Query CountContainers{"SELECT COUNT(*) FROM containers WHERE deleted = '0'", 1};
constexpr Query CountProjects{"SELECT COUNT(*) FROM projects WHERE deleted = '0'", 1};
constexpr Query SqliteVersion{"SELECT sqlite_version()", 1};
constexpr Query SqliteEncoding{"SELECT encoding FROM pragma_encoding", 1};
constexpr Query SqliteSynchronous{"SELECT synchronous FROM pragma_synchronous", 1};
constexpr Query MariaDbVersion{"SELECT VERSION()", 1};
constexpr Query MariaDbCharset{
    "SELECT DISTINCT character_set_name FROM information_schema.columns WHERE table_schema = DATABASE()"
    " AND table_name = 'secrets' AND character_set_name IS NOT NULL",
    1};
constexpr Query MariaDbFlush{"SELECT @@innodb_flush_log_at_trx_commit", 1};
constexpr Query MariaDbOtherEngines{
    "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
    " AND table_type = 'BASE TABLE' AND engine <> 'InnoDB' ORDER BY table_name",
    1};
constexpr Query GaleraStatus{
    "SELECT variable_value FROM information_schema.global_status"
    " WHERE variable_name IN ('WSREP_CLUSTER_SIZE', 'WSREP_LOCAL_STATE_COMMENT') ORDER BY variable_name",
    1};
constexpr Query PostgreSqlVersion{"SELECT current_setting('server_version')", 1};
constexpr Query PostgreSqlCharset{"SELECT current_setting('server_encoding')", 1};
constexpr Query PostgreSqlCommit{"SELECT current_setting('synchronous_commit')", 1};

Result<std::string> string_of(Session& session, const Query& query) {
    const auto found = TRY(strings_of(session, query, {}));
    return found.empty() ? std::string() : found.back();
}

Result<long> number_of(Session& session, const Query& query) {
    long number = 0;
    TRY(session.select(query, {}, [&number](Columns& row) -> Result<void> {
        number = row.integer();
        return row.finish();
    }));
    return number;
}

Result<void> look_at_server(Session& session, SchemaDialect dialect, Inspection& found) {
    switch (dialect) {
        case SchemaDialect::Sqlite:
            found.vendor = "SQLite " + TRY(string_of(session, SqliteVersion));
            found.charset = TRY(string_of(session, SqliteEncoding));
            found.durability = "synchronous=" + TRY(string_of(session, SqliteSynchronous));
            return {};
        case SchemaDialect::MariaDb: {
            found.vendor = "MariaDB " + TRY(string_of(session, MariaDbVersion));
            found.charset = TRY(string_of(session, MariaDbCharset));
            const std::string flush = TRY(string_of(session, MariaDbFlush));
            found.durability = "innodb_flush_log_at_trx_commit=" + flush;
            for (const auto& table : TRY(strings_of(session, MariaDbOtherEngines, {}))) {
                found.problems.push_back(
                    fmt::format("table {} is not of the engine InnoDB, so that nothing of it is rolled back", table));
            }
            const auto galera = TRY(strings_of(session, GaleraStatus, {}));
            if (galera.size() == 2) found.cluster = fmt::format("{} nodes, {}", galera[0], galera[1]);
            return {};
        }
        case SchemaDialect::PostgreSql:
            found.vendor = "PostgreSQL " + TRY(string_of(session, PostgreSqlVersion));
            found.charset = TRY(string_of(session, PostgreSqlCharset));
            found.durability = "synchronous_commit=" + TRY(string_of(session, PostgreSqlCommit));
            if (found.charset != "UTF8") found.problems.push_back("the database's encoding is not UTF8");
            return {};
    }
    return {};
}

Result<void> look_at_tables(Session& session, Inspection& found) {
    if (!TRY(session.has_table("alembic_version"))) {
        found.problems.push_back("there are no tables of Barbican's: `sallyport db create` makes them");
        return {};
    }
    found.revision = TRY(string_of(session, FindAlembicRevision));
    if (found.revision != AlembicRevision) {
        found.problems.push_back(
            fmt::format("it is at Alembic revision '{}', this program needs '{}': run `barbican-manage db upgrade` of "
                        "Barbican 15 (2023.1) or later",
                        found.revision, AlembicRevision));
        return {};
    }
    if (TRY(session.has_table("sp_schema"))) {
        found.own_revision = TRY(string_of(session, FindOwnRevision));
        // An older one is raised when the agent opens it.
        if (found.own_revision > std::to_string(OwnRevision)) {
            found.problems.push_back(
                fmt::format("its sp_ tables are at revision {}, of a later program", found.own_revision));
        }
    }
    found.secrets = TRY(number_of(session, CountSecrets));
    found.deleted_secrets = TRY(number_of(session, CountDeletedSecrets));
    found.orders = TRY(number_of(session, CountOrders));
    found.containers = TRY(number_of(session, CountContainers));
    found.projects = TRY(number_of(session, CountProjects));
    return {};
}

}  // namespace

Result<Inspection> inspect(Database& database) {
    return database.read([&database](Session& session) -> Result<Inspection> {
        Inspection found;
        TRY(look_at_server(session, database.dialect(), found));
        TRY(look_at_tables(session, found));
        return found;
    });
}

}  // namespace sallyport::db
