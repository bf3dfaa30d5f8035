#pragma once

#include <functional>
#include <memory>

#include "keymanager/base/result.h"
#include "keymanager/db/database.h"
#include "keymanager/db/schema.h"
#include "keymanager/db/session.h"
#include "keymanager/db/session_pool.h"

namespace sallyport::db {

/// What a session is opened for.
enum class Purpose { Reading, Writing };

/// What is different from one database server to the next.
struct ServerVendor {
    /// One more connection, ready for work. Error: `Unavailable` if no host answers.
    std::function<Result<std::unique_ptr<Session>>(Purpose)> open;
    Query begin_reading;  ///< on one snapshot
    Query begin_writing;  ///< each statement sees what others have committed
    SchemaDialect dialect;
};

/// A database server: each writer has a session of its own, and what fails for a passing reason is done again.
///
/// - Deadlocks, serialization failures and certification conflicts (Galera), also at COMMIT: the work runs again, a
///   bounded number of times. So does a write that a constraint refused, since two agents may have made the same row
///   for a project at the same time: what is refused twice is refused.
/// - A connection that is lost before COMMIT was sent: again, on a new one (the next host, if the URL names several).
/// - A connection that is lost during COMMIT: nobody knows what became of it. `Unavailable`, never a success.
///
/// Thread-safe. `sessions` readers and as many writers.
std::unique_ptr<Database> make_server_database(ServerVendor vendor, int sessions);

}  // namespace sallyport::db
