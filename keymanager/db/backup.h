#pragma once

#include <string>

#include "keymanager/base/clock.h"
#include "keymanager/base/result.h"
#include "keymanager/db/database.h"

namespace sallyport::db {

struct BackupReport {
    long tables = 0;
    long rows = 0;
    long secrets = 0;
    std::string revision;  ///< Alembic's
};

/// Writes every row of Barbican's tables and ours, as of one moment, into a new folder: `tables/NAME.jsonl` (a line of
/// column names, then a line a row), `manifest.json`, and `SHA256SUMS` of all, which `sha256sum -c` can read. Secrets
/// are in it as in the database, encrypted; the master key is not, and belongs elsewhere. Any vendor restores what any
/// vendor has written.
/// Error: `Conflict` if the folder is there and not empty, or the database is at another revision; `Io`.
Result<BackupReport> write_backup(Database& database, const std::string& folder, Timestamp now);

/// Checks a backup against its sums and fills an empty database with it, in one transaction. Makes the tables if they
/// are not there. Error: `Conflict` if the database holds any row, `Corrupt` if the backup is not what was written,
/// `InvalidInput` if it is no backup or of another revision.
Result<BackupReport> restore_backup(Database& database, const std::string& folder);

}  // namespace sallyport::db
