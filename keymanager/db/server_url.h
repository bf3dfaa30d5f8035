#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::db {

enum class ServerKind { MariaDb, PostgreSql };

struct ServerHost {
    std::string name;
    std::uint16_t port = 0;
};

/// Where a database server is, and as whom: a URL of SQLAlchemy's kind without its password.
struct ServerUrl {
    ServerKind kind = ServerKind::MariaDb;
    std::string user;
    std::vector<ServerHost> hosts;  ///< tried from left to right; empty: the vendor's default UNIX socket
    std::string database;
    std::map<std::string, std::string, std::less<>> options;  ///< what stands after "?"; known names only

    std::string option(std::string_view name) const;  ///< empty: not given
};

/// "mysql+pymysql://user@host:3306,other:3306/barbican?unix_socket=/run/mysqld/mysqld.sock",
/// "postgresql://user@host/barbican?sslmode=verify-full". True if the scheme is one of a server's.
bool is_server_url(std::string_view url);
/// Error: `InvalidInput`, never repeating more of the URL than its scheme or the name of an option; `Refused` if a
/// password stands in it.
Result<ServerUrl> parse_server_url(std::string_view url);

/// Gives the password at each connect, with a NUL after it, as C libraries want it; empty: there is none.
using PasswordSource = std::function<Result<SecureBytes>()>;

/// The first line of a password file, with a NUL after it, as C libraries want it; empty if `path` is empty. The file
/// must belong to this user or root and be closed to all others. Error: `Refused`, `Io`.
Result<SecureBytes> read_password(const std::string& path);

}  // namespace sallyport::db
