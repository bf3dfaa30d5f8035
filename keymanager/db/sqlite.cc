#include "keymanager/db/sqlite.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <vector>

#include "keymanager/base/assert.h"
#include "keymanager/base/durable.h"
#include "keymanager/base/log.h"
#include "keymanager/db/commit_queue.h"
#include "keymanager/db/connection.h"
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

Error failure(sqlite3* connection, int result) {
    return {code_of(result), message_of(result),
            fmt::format("SQLite result {}: {}", result,
                        connection != nullptr ? sqlite3_errmsg(connection) : sqlite3_errstr(result))};
}

class SqliteStatement final : public Statement {
public:
    SqliteStatement(sqlite3* connection, sqlite3_stmt* statement) : connection_(connection), statement_(statement) {
        row_.resize(static_cast<std::size_t>(sqlite3_column_count(statement)));
    }
    ~SqliteStatement() override { sqlite3_finalize(statement_); }
    SqliteStatement(const SqliteStatement&) = delete;
    SqliteStatement& operator=(const SqliteStatement&) = delete;

    Result<long> run(std::span<const Param> params, const OnRow& on_row) override {
        auto outcome = bind_and_step(params, on_row);
        // An open statement holds locks and its snapshot. What reset answers is what step has answered already.
        sqlite3_reset(statement_);
        return outcome;
    }

private:
    Result<long> bind_and_step(std::span<const Param> params, const OnRow& on_row) {
        // As many values as the text names, always: a Query is a constant.
        SALLYPORT_ASSERT(static_cast<int>(params.size()) == sqlite3_bind_parameter_count(statement_));
        for (std::size_t i = 0; i < params.size(); ++i) {
            if (const int result = bind(static_cast<int>(i) + 1, params[i]); result != SQLITE_OK) {
                return failure(connection_, result);
            }
        }
        int result = SQLITE_ROW;
        while ((result = sqlite3_step(statement_)) == SQLITE_ROW) {
            for (std::size_t i = 0; i < row_.size(); ++i) row_[i] = column(static_cast<int>(i));
            TRY(on_row(row_));
        }
        if (result != SQLITE_DONE) return failure(connection_, result);
        return static_cast<long>(sqlite3_changes(connection_));
    }

    /// The text is borrowed until the reset, which comes before the caller's values go.
    int bind(int place, const Param& param) {
        if (param.is_null()) return sqlite3_bind_null(statement_, place);
        switch (param.kind()) {
            case Param::Kind::Text:
                return sqlite3_bind_text(statement_, place, param.text().data(), static_cast<int>(param.text().size()),
                                         SQLITE_STATIC);
            case Param::Kind::Integer: return sqlite3_bind_int64(statement_, place, param.number());
        }
        return SQLITE_MISUSE;
    }

    std::optional<std::string_view> column(int place) {
        const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, place));
        if (text == nullptr) return std::nullopt;
        return std::string_view(text, static_cast<std::size_t>(sqlite3_column_bytes(statement_, place)));
    }

    sqlite3* const connection_;
    sqlite3_stmt* const statement_;
    std::vector<std::optional<std::string_view>> row_;
};

class SqliteConnection final : public Connection {
public:
    explicit SqliteConnection(sqlite3* connection) : connection_(connection) {}
    ~SqliteConnection() override { sqlite3_close_v2(connection_); }
    SqliteConnection(const SqliteConnection&) = delete;
    SqliteConnection& operator=(const SqliteConnection&) = delete;

    Result<std::unique_ptr<Statement>> prepare(std::string_view text) override {
        sqlite3_stmt* statement = nullptr;
        const int result = sqlite3_prepare_v3(connection_, text.data(), static_cast<int>(text.size()),
                                              SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
        if (result != SQLITE_OK) return failure(connection_, result);
        std::unique_ptr<Statement> parsed = std::make_unique<SqliteStatement>(connection_, statement);
        return parsed;
    }

    Result<void> run_script(const std::string& text) override {
        const int result = sqlite3_exec(connection_, text.c_str(), nullptr, nullptr, nullptr);
        if (result != SQLITE_OK) return failure(connection_, result);
        return {};
    }

    Result<bool> has_table(std::string_view name) override {
        const auto find = TRY(prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name = :name"));
        bool has = false;
        TRY(find->run(std::span(std::initializer_list<Param>{name}), [&has](Row) -> Result<void> {
            has = true;
            return {};
        }));
        return has;
    }

    /// Where SQLite keeps the header of its WAL-index, which it shares with all processes that have the database open
    /// and which every commit rewrites: a counter of changes, the log's length, check value and salts
    /// (https://www.sqlite.org/walformat.html, section 2.1). SQLite itself tells by it whether a reader's pages are of
    /// today. The mapping stays while a connection of this process is open. nullptr if there is none.
    const std::uint32_t* log_header() const {
        // The log is opened, and the index mapped, by the first read.
        if (sqlite3_exec(connection_, "PRAGMA user_version", nullptr, nullptr, nullptr) != SQLITE_OK) return nullptr;
        sqlite3_file* file = nullptr;
        if (sqlite3_file_control(connection_, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK) return nullptr;
        if (file == nullptr || file->pMethods == nullptr || file->pMethods->iVersion < 2) return nullptr;
        void volatile* mapped = nullptr;
        constexpr int FirstPage = 0, PageBytes = 32768, DoNotExtend = 0;
        if (file->pMethods->xShmMap(file, FirstPage, PageBytes, DoNotExtend, &mapped) != SQLITE_OK) return nullptr;
        return static_cast<const std::uint32_t*>(const_cast<const void*>(mapped));
    }

    /// SQLite rolls back by itself when the disk is full, for instance; to try again would not help.
    Fate fate() const override { return sqlite3_get_autocommit(connection_) != 0 ? Fate::Ended : Fate::Open; }

private:
    sqlite3* const connection_;
};

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
    return flush_folder_of(path);
}

}  // namespace

namespace {

constexpr int OwnFile = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
/// One that is write-protected can be read all the same.
constexpr int ForeignFile = SQLITE_OPEN_READWRITE;

Result<std::unique_ptr<SqliteConnection>> connect(const std::string& path, int flags) {
    sqlite3* opened = nullptr;
    const int result = sqlite3_open_v2(path.empty() ? ":memory:" : path.c_str(), &opened, flags, nullptr);
    auto connection = std::make_unique<SqliteConnection>(opened);
    if (result != SQLITE_OK) return failure(opened, result);
    return connection;
}

Result<std::unique_ptr<Session>> session_over(std::unique_ptr<SqliteConnection> connection) {
    auto session = std::make_unique<Session>(std::move(connection));
    TRY(session->run_script(fmt::format("PRAGMA busy_timeout = {}", BusyMilliseconds)));
    // FULL: the log is flushed before a commit returns. NORMAL alone would keep the file sound, but lose commits.
    TRY(session->run_script("PRAGMA synchronous = FULL"));
    TRY(session->run_script("PRAGMA foreign_keys = ON"));
    // What a row held is overwritten with zeros where it lay, as far as that writes no further page.
    TRY(session->run_script("PRAGMA secure_delete = FAST"));
    // Savepoints and sorts never leave a file of theirs behind.
    TRY(session->run_script("PRAGMA temp_store = MEMORY"));
    // Pages of ten thousand secrets or so stay at hand. SQLite's default of 2 MiB reads the file again and again.
    TRY(session->run_script("PRAGMA cache_size = -8192"));
    // The log is copied back into the file when it has grown to 64 MiB: pages that were written many times are then
    // copied once. SQLite's default of 4 MiB stops the writers every hundred secrets.
    TRY(session->run_script("PRAGMA wal_autocheckpoint = 16384"));
    TRY(session->run_script("PRAGMA journal_size_limit = 67108864"));
    // The file is not trusted: functions hidden in its views and triggers are not run.
    TRY(session->run_script("PRAGMA trusted_schema = OFF"));
    return session;
}

}  // namespace

Result<std::unique_ptr<Session>> open_sqlite_session(const std::string& path) {
    return session_over(TRY(connect(path, OwnFile)));
}

namespace {

/// SQLite's own locks around a connection are for programs whose threads share one: ours lends each to one thread at a
/// time. Its count of allocated bytes takes a lock of the whole process at every allocation, and nobody reads it.
/// Both are chosen before the first connection, or not at all.
void configure_library() {
    static const bool configured = sqlite3_config(SQLITE_CONFIG_MULTITHREAD) == SQLITE_OK &&
                                   sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK;
    if (!configured) log_warning("SQLite was in use before its configuration: it locks more than it has to");
}

/// The write-ahead log, to be flushed. SQLite's locks are on the other files, so closing it releases none of them; it
/// stays the same file for as long as a connection is open.
class LogFile {
public:
    /// Makes the log's name durable, too: SQLite would do that at its own first flush.
    static Result<std::shared_ptr<LogFile>> open(const std::string& path) {
        const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (file < 0) {
            return Error{Code::Unavailable, fmt::format("cannot open '{}': {}", path, std::strerror(errno)), {}};
        }
        std::shared_ptr<LogFile> log(new LogFile(file, path));
        TRY(flush_folder_of(path));
        return log;
    }
    ~LogFile() { ::close(file_); }
    LogFile(const LogFile&) = delete;
    LogFile& operator=(const LogFile&) = delete;

    Result<void> flush() const {
        if (::fdatasync(file_) == 0) return {};
        return Error{Code::Unavailable, fmt::format("cannot flush '{}': {}", path_, std::strerror(errno)), {}};
    }

private:
    LogFile(int file, std::string path) : file_(file), path_(std::move(path)) {}
    const int file_;
    const std::string path_;
};

class SqliteDatabase final : public Database {
public:
    /// `log_header` is of the writer's connection, or nullptr. `log` is what makes commits durable, if the writer's
    /// session does not.
    SqliteDatabase(std::unique_ptr<Session> writer, const std::uint32_t* log_header, std::shared_ptr<LogFile> log,
                   std::string path, int flags, int readers)
        : in_memory_(path.empty()),
          log_header_(log_header),
          writer_(std::move(writer)),
          flusher_(log ? std::make_unique<LogFlusher>([file = std::move(log)] { return file->flush(); }) : nullptr),
          commits_(*writer_, BeginWriting, flusher_.get()),
          readers_(readers, [path = std::move(path), flags]() -> Result<std::unique_ptr<Session>> {
              return session_over(TRY(connect(path, flags)));
          }) {}

    /// Other processes write there without a lock of ours, so a mark may be torn: then it equals none that was or will
    /// be, for the header ends in a check value.
    __attribute__((no_sanitize_thread)) std::optional<CommitMark> commit_mark() const override {
        if (log_header_ == nullptr) return std::nullopt;
        CommitMark mark;
        for (std::size_t i = 0; i < mark.size(); ++i) mark[i] = __atomic_load_n(log_header_ + i, __ATOMIC_ACQUIRE);
        return mark;
    }

    Result<void> create_schema() override {
        return write([](Session& session) { return create_or_check_schema(session, SchemaDialect::Sqlite); });
    }

    SchemaDialect dialect() const override { return SchemaDialect::Sqlite; }

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
    const std::uint32_t* const log_header_;
    std::unique_ptr<Session> writer_;
    const std::unique_ptr<LogFlusher> flusher_;
    CommitQueue commits_;
    SessionPool readers_;
};

}  // namespace

Result<std::unique_ptr<Database>> make_sqlite(const std::string& path, int reader_sessions) {
    configure_library();
    if (!path.empty()) TRY(make_file(path));
    auto connection = TRY(connect(path, OwnFile));
    const SqliteConnection& raw = *connection;  // owned by the session
    auto writer = TRY(session_over(std::move(connection)));
    const std::uint32_t* log_header = nullptr;
    std::shared_ptr<LogFile> log;
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
        log_header = raw.log_header();
        log = TRY(LogFile::open(path + "-wal"));
        // From here on the log is flushed by us, beside the writer; SQLite itself still flushes around a checkpoint.
        TRY(writer->run_script("PRAGMA synchronous = NORMAL"));
    }
    std::unique_ptr<Database> database =
        std::make_unique<SqliteDatabase>(std::move(writer), log_header, std::move(log), path, OwnFile, reader_sessions);
    return database;
}

Result<std::unique_ptr<Database>> make_foreign_sqlite(const std::string& path, int reader_sessions) {
    configure_library();
    auto writer = TRY(session_over(TRY(connect(path, ForeignFile))));
    // A commit flushes by itself, as SQLite's other users of the file expect it: no log of ours, no mark of what is
    // committed.
    std::unique_ptr<Database> database =
        std::make_unique<SqliteDatabase>(std::move(writer), nullptr, nullptr, path, ForeignFile, reader_sessions);
    return database;
}

}  // namespace sallyport::db
