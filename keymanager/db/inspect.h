#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "keymanager/base/result.h"
#include "keymanager/db/database.h"

namespace sallyport::db {

/// What can be said of a database without a key, and without changing it.
struct Inspection {
    std::string vendor;        ///< "SQLite 3.40.1", "MariaDB 10.11.19", "PostgreSQL 15.18"
    std::string revision;      ///< Alembic's; empty: there are no tables of Barbican's
    std::string own_revision;  ///< of the sp_ tables; empty: there are none
    std::string charset;
    std::string durability;  ///< the setting that decides whether a commit survives a crash, as "name=value"
    std::string cluster;     ///< Galera: size and state; empty: none
    long secrets = 0;
    long deleted_secrets = 0;  ///< soft-deleted, until `db clean`
    long orders = 0;
    long containers = 0;
    long projects = 0;
    std::vector<std::string> problems;  ///< why it cannot be used as it is; empty: it can
};

/// Error: `Unavailable` if it cannot be reached. A database that is no good is no error but a problem.
Result<Inspection> inspect(Database& database);

}  // namespace sallyport::db
