#include "keymanager/db/database.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "keymanager/db/mariadb.h"
#include "keymanager/db/postgresql.h"
#include "keymanager/db/server_url.h"
#include "keymanager/db/sqlite.h"

namespace sallyport::db {
namespace {

/// SQLAlchemy's form: nothing after two slashes is a database in memory, and the path begins after the third, so that
/// an absolute one makes four.
Result<std::string> sqlite_path(std::string_view rest) {
    if (rest.empty() || rest == "/" || rest == "/:memory:") return std::string();
    if (rest.front() != '/') {
        return Error{Code::InvalidInput, "an SQLite URL is sqlite:////absolute/path, with four slashes", {}};
    }
    rest.remove_prefix(1);
    // These would reach SQLite as something else than part of a name.
    if (rest.find_first_of("?\"'") != std::string_view::npos || rest.starts_with("file:")) {
        return Error{Code::InvalidInput, "the path of an SQLite URL holds no options and no quotes", {}};
    }
    return std::string(rest);
}

PasswordSource password_of(const DatabaseConfig& config) {
    if (!config.known_password) return [file = config.password_file] { return read_password(file); };
    return [known = config.known_password]() -> Result<SecureBytes> {
        SecureBytes with_nul = TRY(SecureBytes::of_size(known->size() + 1));
        std::ranges::copy(known->reveal(), with_nul.writable().begin());
        return with_nul;
    };
}

}  // namespace

Result<std::unique_ptr<Database>> make_database(const DatabaseConfig& config) {
    if (config.sessions < 1) return Error{Code::InvalidInput, "a database needs at least one session", {}};
    constexpr std::string_view Sqlite = "sqlite://";
    const std::string_view url = config.url;
    if (url.starts_with(Sqlite)) {
        const std::string path = TRY(sqlite_path(url.substr(Sqlite.size())));
        return config.foreign ? make_foreign_sqlite(path, config.sessions) : make_sqlite(path, config.sessions);
    }
    if (is_server_url(url)) {
        const ServerUrl server = TRY(parse_server_url(url));
        switch (server.kind) {
            case ServerKind::MariaDb: return make_mariadb(server, password_of(config), config.sessions);
            case ServerKind::PostgreSql: return make_postgresql(server, password_of(config), config.sessions);
        }
    }
    // The URL may hold a password: only its scheme is repeated.
    return Error{
        Code::InvalidInput,
        fmt::format("unknown kind of database '{}': this program knows sqlite:////path, mysql+pymysql://user@host/name "
                    "and postgresql://user@host/name",
                    url.substr(0, url.find("://")).substr(0, 32)),
        {}};
}

}  // namespace sallyport::db
