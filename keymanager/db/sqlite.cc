#include "keymanager/db/sqlite.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "keymanager/base/assert.h"
#include "keymanager/base/log.h"
#include "keymanager/db/commit_queue.h"
#include "keymanager/db/schema.h"
#include "keymanager/db/session.h"
#include "keymanager/db/session_pool.h"

namespace sallyport::db {
namespace {

// IMMEDIATE takes the write lock at once: a transaction that reads first and writes later would fail with BUSY, without
// waiting, if somebody wrote in between.
constexpr Query BeginWriting{"BEGIN IMMEDIATE"};
constexpr Query BeginReading{"BEGIN"};
constexpr Query EndReading{"COMMIT"};
constexpr Query AbandonReading{"ROLLBACK"};

/// How long to wait for another process (a real Barbican, a backup) that holds the write lock.
constexpr int BusyMilliseconds = 5000;

Code code_of(int result) {
    switch (result & 0xff) {
        case SQLITE_CONSTRAINT: return Code::Conflict;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_CANTOPEN:
        case SQLITE_PROTOCOL: return Code::Unavailable;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return Code::Corrupt;
        case SQLITE_FULL:
        case SQLITE_IOERR:
        case SQLITE_READONLY:
        case SQLITE_PERM: return Code::Io;
        case SQLITE_NOMEM: return Code::Overloaded;
        default: return Code::Internal;
    }
}

std::string message_of(int result) {
    switch (result & 0xff) {
        case SQLITE_CONSTRAINT: return "such a row exists already, or what it refers to does not";
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return "the database is locked by another process";
        case SQLITE_CANTOPEN: return "the database file cannot be opened";
        case SQLITE_CORRUPT: return "the database file is damaged";
        case SQLITE_NOTADB: return "the file is no SQLite database";
        case SQLITE_FULL: return "the disk of the database is full";
        case SQLITE_IOERR: return "reading or writing the database failed";
        case SQLITE_READONLY: return "the database cannot be written";
        default: return "the database failed";
    }
}

class SqliteVendor final : public Vendor {
public:
    Error translate(const std::exception& thrown) const override {
        if (const auto* error = dynamic_cast<const soci::sqlite3_soci_error*>(&thrown)) {
            return {code_of(error->result()), message_of(error->result()),
                    fmt::format("SQLite result {}: {}", error->result(), error->what())};
        }
        return {Code::Internal, "the database failed", thrown.what()};
    }

    bool has_dropped_transaction(soci::session& sql) const override {
        return sqlite_api::sqlite3_get_autocommit(connection(sql)) != 0;
    }

    static sqlite_api::sqlite3* connection(soci::session& sql) {
        return static_cast<soci::sqlite3_session_backend*>(sql.get_backend())->conn_;
    }
};

const SqliteVendor& vendor() {
    static const SqliteVendor instance;
    return instance;
}

/// Makes the file before SQLite would, with a mode that lets nobody else in (SQLite gives its -wal and -shm the same),
/// and makes its name durable.
Result<void> make_file(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) {
        if (errno == EEXIST) return {};
        return Error{
            Code::Unavailable, fmt::format("cannot make the database file '{}': {}", path, std::strerror(errno)), {}};
    }
    ::close(file);
    const auto folder = std::filesystem::path(path).parent_path();
    const int directory = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool durable = directory >= 0 && ::fsync(directory) == 0;
    if (directory >= 0) ::close(directory);
    if (!durable) return Error{Code::Io, fmt::format("cannot flush the folder of '{}'", path), std::strerror(errno)};
    return {};
}

}  // namespace

Result<std::unique_ptr<Session>> open_sqlite_session(const std::string& path) {
    const auto connect = [&path]() -> Result<std::unique_ptr<Session>> {
        try {
            const std::string name = path.empty() ? ":memory:" : path;
            auto sql = std::make_unique<soci::session>(soci::sqlite3, fmt::format("dbname=\"{}\"", name));
            return std::make_unique<Session>(std::move(sql), vendor());
        } catch (const std::exception& thrown) {
            return vendor().translate(thrown);
        }
    };
    auto session = TRY(connect());
    TRY(session->run_script(fmt::format("PRAGMA busy_timeout = {}", BusyMilliseconds)));
    // FULL: the log is flushed before a commit returns. NORMAL would keep the file sound, but lose commits.
    TRY(session->run_script("PRAGMA synchronous = FULL"));
    TRY(session->run_script("PRAGMA foreign_keys = ON"));
    // Savepoints and sorts never leave a file of theirs behind.
    TRY(session->run_script("PRAGMA temp_store = MEMORY"));
    // Pages of ten thousand secrets or so stay at hand. SQLite's default of 2 MiB reads the file again and again.
    TRY(session->run_script("PRAGMA cache_size = -8192"));
    // The file is not trusted: functions hidden in its views and triggers are not run.
    TRY(session->run_script("PRAGMA trusted_schema = OFF"));
    return session;
}

namespace {

/// SQLite's own locks around a connection are for programs whose threads share one: ours lends each to one thread at a
/// time. Its count of allocated bytes takes a lock of the whole process at every allocation, and nobody reads it.
/// Both are chosen before the first connection, or not at all.
void configure_library() {
    static const bool configured = sqlite_api::sqlite3_config(SQLITE_CONFIG_MULTITHREAD) == SQLITE_OK &&
                                   sqlite_api::sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK;
    if (!configured) log_warning("SQLite was in use before its configuration: it locks more than it has to");
}

class SqliteDatabase final : public Database {
public:
    SqliteDatabase(std::unique_ptr<Session> writer, std::string path, int readers)
        : in_memory_(path.empty()),
          writer_(std::move(writer)),
          commits_(*writer_, BeginWriting),
          readers_(readers, [path = std::move(path)] { return open_sqlite_session(path); }) {}

    Result<void> create_schema() override {
        return write([](Session& session) { return create_or_check_schema(session); });
    }

protected:
    Result<void> run_read(const Work& work) override {
        // A database in memory lives in one connection, so its readers queue with the writers.
        if (in_memory_) return commits_.run(work);
        const SessionPool::Loan session = TRY(readers_.borrow());
        TRY(session->begin(BeginReading));
        Result<void> outcome = guarded(work, *session);
        const auto ended = session->execute(EndReading, {});
        if (!ended) static_cast<void>(session->execute(AbandonReading, {}));
        if (outcome && !ended) return ended.error();
        return outcome;
    }

    Result<void> run_write(const Work& work) override { return commits_.run(work); }

private:
    static Result<void> guarded(const Work& work, Session& session) {
        try {
            return work(session);
        } catch (const std::exception& thrown) {
            return Error{Code::Internal, "a read failed in an unexpected way", thrown.what()};
        }
    }

    const bool in_memory_;
    std::unique_ptr<Session> writer_;
    CommitQueue commits_;
    SessionPool readers_;
};

}  // namespace

Result<std::unique_ptr<Database>> make_sqlite(const std::string& path, int reader_sessions) {
    configure_library();
    if (!path.empty()) TRY(make_file(path));
    auto writer = TRY(open_sqlite_session(path));
    if (!path.empty()) {
        std::string mode;
        TRY(writer->select({"PRAGMA journal_mode = WAL", 1}, {}, [&mode](Columns& row) -> Result<void> {
            mode = row.text();
            return row.finish();
        }));
        if (mode != "wal") {
            return Error{Code::Unavailable, fmt::format("'{}' cannot have a write-ahead log", path),
                         "journal_mode stayed " + mode};
        }
    }
    std::unique_ptr<Database> database = std::make_unique<SqliteDatabase>(std::move(writer), path, reader_sessions);
    return database;
}

}  // namespace sallyport::db
