#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "keymanager/db/session.h"
#include "tests/conformance/db/database_conformance.h"

/// The same suites on database servers. Somebody else starts them (tests/integration/database) and says where they are:
/// SALLYPORT_TEST_DATABASES="URL PASSWORD_FILE URL PASSWORD_FILE". What the databases hold is thrown away.
namespace sallyport::db {
namespace {

struct Server {
    std::string name;
    DatabaseConfig config;
    bool is_emptied = false;
};

std::vector<std::string> tables_of(Database& database) {
    std::vector<std::string> names;
    const auto listed = database.read([&names](Session& session) {
        return session.select({"SELECT table_name FROM information_schema.tables"
                               " WHERE table_schema IN ('public', 'barbican') AND table_type = 'BASE TABLE'",
                               1},
                              {}, [&names](Columns& row) -> Result<void> {
                                  names.push_back(row.text());
                                  return row.finish();
                              });
    });
    EXPECT_TRUE(listed) << listed.error().message << ' ' << listed.error().detail;
    return names;
}

Result<void> drop_all(Database& database, bool is_postgresql, const std::vector<std::string>& tables) {
    return database.write([is_postgresql, &tables](Session& session) -> Result<void> {
        if (is_postgresql) {
            TRY(session.run_script("DROP SCHEMA public CASCADE"));
            return session.run_script("CREATE SCHEMA public");
        }
        TRY(session.run_script("SET SESSION foreign_key_checks = 0"));
        for (const std::string& table : tables) TRY(session.run_script("DROP TABLE \"" + table + "\""));
        return session.run_script("SET SESSION foreign_key_checks = 1");
    });
}

Result<void> empty_all(Database& database, bool is_postgresql, const std::vector<std::string>& tables) {
    return database.write([is_postgresql, &tables](Session& session) -> Result<void> {
        if (!is_postgresql) TRY(session.run_script("SET SESSION foreign_key_checks = 0"));
        std::string all;
        for (const std::string& table : tables) {
            if (table == "alembic_version" || table == "sp_schema") continue;
            all += (all.empty() ? "" : ", ") + table;
            if (!is_postgresql) TRY(session.run_script("DELETE FROM \"" + table + "\""));
        }
        if (is_postgresql) return session.run_script("TRUNCATE " + all);
        return session.run_script("SET SESSION foreign_key_checks = 1");
    });
}

/// The tables are made by the first test and emptied for the others: making them takes a server a second.
std::unique_ptr<Database> open(Server& server) {
    auto opened = make_database(server.config);
    EXPECT_TRUE(opened) << opened.error().message << ' ' << opened.error().detail;
    if (!opened) return nullptr;
    const bool is_postgresql = server.name == "PostgreSql";
    const auto tables = tables_of(**opened);
    const auto done = (server.is_emptied ? empty_all : drop_all)(**opened, is_postgresql, tables);
    EXPECT_TRUE(done) << done.error().message << ' ' << done.error().detail;
    server.is_emptied = true;
    return *std::move(opened);
}

std::vector<DatabaseUnderTest> find_servers() {
    static std::vector<std::unique_ptr<Server>> servers;
    std::vector<DatabaseUnderTest> found;
    const char* named = std::getenv("SALLYPORT_TEST_DATABASES");
    std::istringstream words(named != nullptr ? named : "");
    std::string url, password_file;
    while (words >> url >> password_file) {
        servers.push_back(std::make_unique<Server>());
        Server& server = *servers.back();
        server.name = url.starts_with("mysql") ? "MariaDb" : "PostgreSql";
        server.config = {.url = url, .password_file = password_file, .sessions = 4};
        found.push_back({server.name, [&server] { return open(server); }, server.name != "MariaDb"});
    }
    return found;
}

const std::vector<DatabaseUnderTest>& servers_under_test() {
    static const std::vector<DatabaseUnderTest> found = find_servers();
    return found;
}

std::string name_of(const testing::TestParamInfo<DatabaseUnderTest>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Server, DatabaseConformance, testing::ValuesIn(servers_under_test()), name_of);
INSTANTIATE_TEST_SUITE_P(Server, RepositoryConformance, testing::ValuesIn(servers_under_test()), name_of);

}  // namespace
}  // namespace sallyport::db
