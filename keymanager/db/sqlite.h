#pragma once

#include <memory>
#include <string>

#include "keymanager/base/result.h"
#include "keymanager/db/database.h"
#include "keymanager/db/session.h"

namespace sallyport::db {

/// SQLite in a file (write-ahead log, flushed at every commit), or in memory if `path` is empty.
/// The file is made with mode 0600 if it is not there. Error: `Unavailable` if it cannot be opened, `Corrupt` if it is
/// no database.
Result<std::unique_ptr<Database>> make_sqlite(const std::string& path, int reader_sessions);

/// Another program's SQLite file, in whatever journal mode it is; what is written is flushed at every commit.
/// Error: `Unavailable` if it is not there or cannot be opened, `Corrupt` if it is no database.
Result<std::unique_ptr<Database>> make_foreign_sqlite(const std::string& path, int reader_sessions);

/// One more connection to the same file, for those who hold transactions of their own.
Result<std::unique_ptr<Session>> open_sqlite_session(const std::string& path);

}  // namespace sallyport::db
