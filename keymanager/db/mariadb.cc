#include "keymanager/db/mariadb.h"

#include <fmt/format.h>
#include <mysql.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>
#include <vector>

#include "keymanager/base/assert.h"
#include "keymanager/base/log.h"
#include "keymanager/db/client_library.h"
#include "keymanager/db/connection.h"
#include "keymanager/db/placeholders.h"
#include "keymanager/db/server_database.h"
#include "keymanager/db/session.h"

namespace sallyport::db {
namespace {

// Readers see one snapshot (REPEATABLE READ). A writer that has waited for a row sees what the one before it has
// committed (READ COMMITTED). MariaDB cannot say that in the words that open a transaction, so sessions keep it.
constexpr Query BeginReading{"START TRANSACTION READ ONLY"};
constexpr Query BeginWriting{"START TRANSACTION READ WRITE"};

constexpr unsigned ConnectSeconds = 5;
/// Above the lock wait and above what a Galera cluster stands still for when it loses a node (7 s by default).
constexpr unsigned IoSeconds = 20;

#define SALLYPORT_MARIADB_FUNCTIONS(F) \
    F(mysql_server_init)               \
    F(mysql_init)                      \
    F(mysql_options)                   \
    F(mysql_real_connect)              \
    F(mysql_close)                     \
    F(mysql_errno)                     \
    F(mysql_error)                     \
    F(mysql_real_query)                \
    F(mysql_affected_rows)             \
    F(mysql_field_count)               \
    F(mysql_store_result)              \
    F(mysql_free_result)               \
    F(mysql_stmt_init)                 \
    F(mysql_stmt_prepare)              \
    F(mysql_stmt_bind_param)           \
    F(mysql_stmt_bind_result)          \
    F(mysql_stmt_execute)              \
    F(mysql_stmt_store_result)         \
    F(mysql_stmt_fetch)                \
    F(mysql_stmt_fetch_column)         \
    F(mysql_stmt_free_result)          \
    F(mysql_stmt_affected_rows)        \
    F(mysql_stmt_field_count)          \
    F(mysql_stmt_errno)                \
    F(mysql_stmt_error)                \
    F(mysql_stmt_close)

struct Functions {
#define SALLYPORT_MEMBER(name) decltype(&::name) name = nullptr;
    SALLYPORT_MARIADB_FUNCTIONS(SALLYPORT_MEMBER)
#undef SALLYPORT_MEMBER
};

Result<Functions> load_functions() {
    const ClientLibrary library = TRY(ClientLibrary::load("libmariadb.so.3", "libmariadb3"));
    Functions functions;
#define SALLYPORT_FIND(name) TRY(library.find(#name, functions.name));
    SALLYPORT_MARIADB_FUNCTIONS(SALLYPORT_FIND)
#undef SALLYPORT_FIND
    if (functions.mysql_server_init(0, nullptr, nullptr) != 0) {
        return Error{Code::Unavailable, "libmariadb cannot be initialised", {}};
    }
    return functions;
}

/// Loaded once, by the first who asks.
Result<const Functions*> functions() {
    static const Result<Functions> loaded = load_functions();
    if (!loaded) return loaded.error();
    return &*loaded;
}

/// What the server's (or the library's) number means; MariaDB Server documentation, "MariaDB Error Codes".
struct Meaning {
    Code code = Code::Internal;
    Fate fate = Fate::Open;
    const char* message = "the database failed";
};

Meaning meaning_of(unsigned number) {
    switch (number) {
        case 1062: return {Code::Conflict, Fate::Open, "such a row exists already"};
        case 1048:
        case 1216:
        case 1217:
        case 1451:
        case 1452: return {Code::Conflict, Fate::Open, "the row refers to one that does not exist, or is referred to"};
        case 1264:
        case 1366:
        case 1406: return {Code::InvalidInput, Fate::Open, "a value does not fit into its column"};
        case 1020:  // the row was changed since the snapshot (innodb_snapshot_isolation)
        case 1205:  // lock wait timeout; also wsrep_sync_wait that did not catch up
        case 1213:  // deadlock; Galera: another node's write was certified first
        case 1317:  // interrupted; Galera: killed for the sake of another node's write
            return {Code::Unavailable, Fate::RolledBack, "the database is busy with conflicting writes"};
        case 1021:
        case 1030:
        case 1180: return {Code::Io, Fate::Ended, "the database server could not read or write its files"};
        case 1040:
        case 1041:
        case 1203: return {Code::Unavailable, Fate::Lost, "the database server has too many connections"};
        case 1044:
        case 1045:
        case 1049:
        case 1130:
        case 1698:
            return {Code::Unavailable, Fate::Lost, "the database server refuses this user or has no such database"};
        case 1047:  // WSREP has not yet prepared the node: it joins, or is in a minority
        case 1053:
        case 1077:
        case 1158:
        case 1159:
        case 1160:
        case 1161:
        case 1290:  // read-only: a replica, or a server that is being moved
        case 1836:
        case 1927:
        case 2002:
        case 2003:
        case 2005:
        case 2006:
        case 2012:
        case 2013:
        case 2014:  // commands out of sync: of no more use
        case 2026:
        case 2027:
        case 2055: return {Code::Unavailable, Fate::Lost, "the database server is away"};
        case 2008: return {Code::Overloaded, Fate::Lost, "no memory for the database's answer"};
        default: return {};
    }
}

Error error_of(unsigned number, const char* text) {
    const Meaning meaning = meaning_of(number);
    return {meaning.code, meaning.message, fmt::format("MariaDB error {}: {}", number, text)};
}

class MariaDbConnection;

/// Through the binary protocol. Answers are fetched as text, whatever their type.
class PreparedStatement final : public Statement {
public:
    PreparedStatement(MariaDbConnection& connection, MYSQL_STMT* statement, std::size_t values);
    ~PreparedStatement() override;
    PreparedStatement(const PreparedStatement&) = delete;
    PreparedStatement& operator=(const PreparedStatement&) = delete;

    Result<long> run(std::span<const Param> params, const OnRow& on_row) override;

private:
    /// The library's words for one value that is sent.
    struct Sent {
        long long number = 0;
        unsigned long length = 0;
        my_bool is_null = 0;
    };
    /// Where one column lands. The buffer stays bound while rows are fetched; what is longer is fetched once more, and
    /// the next run has a buffer for it.
    struct Received {
        std::vector<char> buffer;
        std::vector<char> longer;
        unsigned long length = 0;
        my_bool is_null = 0;
        my_bool is_cut = 0;
    };

    Error fail();
    Result<void> send(std::span<const Param> params);
    Result<void> fetch_all(const OnRow& on_row);
    void bind_columns();
    Result<void> complete_row();

    MariaDbConnection& connection_;
    MYSQL_STMT* const statement_;
    std::vector<Sent> sent_;
    std::vector<MYSQL_BIND> sent_binds_;
    std::vector<Received> columns_;
    std::vector<MYSQL_BIND> column_binds_;
    std::vector<std::optional<std::string_view>> row_;
};

/// Without values and rows: BEGIN and COMMIT, which not every server prepares.
class PlainStatement final : public Statement {
public:
    PlainStatement(MariaDbConnection& connection, std::string_view text) : connection_(connection), text_(text) {}
    Result<long> run(std::span<const Param> params, const OnRow& on_row) override;

private:
    MariaDbConnection& connection_;
    const std::string text_;
};

class MariaDbConnection final : public Connection {
public:
    MariaDbConnection(const Functions& library, MYSQL* handle) : library_(library), handle_(handle) {}
    ~MariaDbConnection() override { library_.mysql_close(handle_); }
    MariaDbConnection(const MariaDbConnection&) = delete;
    MariaDbConnection& operator=(const MariaDbConnection&) = delete;

    const Functions& library() const { return library_; }

    Error fail(unsigned number, const char* text) {
        fate_ = meaning_of(number).fate;
        return error_of(number, text);
    }

    Result<std::unique_ptr<Statement>> prepare(std::string_view text) override {
        auto rewritten = rewrite_placeholders(text, PlaceholderStyle::Question);
        std::unique_ptr<Statement> parsed;
        if (rewritten.values == 0 && !text.starts_with("SELECT")) {
            parsed = std::make_unique<PlainStatement>(*this, text);
            return parsed;
        }
        MYSQL_STMT* statement = library_.mysql_stmt_init(handle_);
        if (statement == nullptr) return fail(library_.mysql_errno(handle_), library_.mysql_error(handle_));
        parsed = std::make_unique<PreparedStatement>(*this, statement, rewritten.values);
        if (library_.mysql_stmt_prepare(statement, rewritten.text.data(),
                                        static_cast<unsigned long>(rewritten.text.size())) != 0) {
            return fail(library_.mysql_stmt_errno(statement), library_.mysql_stmt_error(statement));
        }
        return parsed;
    }

    Result<void> run_script(const std::string& text) override {
        TRY(run_plain(text));
        return {};
    }

    Result<long> run_plain(std::string_view text) {
        if (library_.mysql_real_query(handle_, text.data(), static_cast<unsigned long>(text.size())) != 0) {
            return fail(library_.mysql_errno(handle_), library_.mysql_error(handle_));
        }
        if (library_.mysql_field_count(handle_) > 0) {
            // Nobody asked for rows; they have to be fetched before the next statement.
            MYSQL_RES* rows = library_.mysql_store_result(handle_);
            if (rows != nullptr) library_.mysql_free_result(rows);
            return 0L;
        }
        return static_cast<long>(library_.mysql_affected_rows(handle_));
    }

    Result<bool> has_table(std::string_view name) override {
        const auto find =
            TRY(prepare("SELECT table_name FROM information_schema.tables"
                        " WHERE table_schema = DATABASE() AND table_name = :name"));
        bool has = false;
        TRY(find->run(std::span(std::initializer_list<Param>{name}), [&has](Row) -> Result<void> {
            has = true;
            return {};
        }));
        return has;
    }

    Fate fate() const override { return fate_; }

private:
    const Functions& library_;
    MYSQL* const handle_;
    Fate fate_ = Fate::Open;  // of the last failure
};

PreparedStatement::PreparedStatement(MariaDbConnection& connection, MYSQL_STMT* statement, std::size_t values)
    : connection_(connection), statement_(statement), sent_(values), sent_binds_(values) {}

PreparedStatement::~PreparedStatement() { connection_.library().mysql_stmt_close(statement_); }

Error PreparedStatement::fail() {
    const Functions& library = connection_.library();
    return connection_.fail(library.mysql_stmt_errno(statement_), library.mysql_stmt_error(statement_));
}

Result<long> PreparedStatement::run(std::span<const Param> params, const OnRow& on_row) {
    const Functions& library = connection_.library();
    TRY(send(params));
    if (library.mysql_stmt_field_count(statement_) == 0) {
        return static_cast<long>(library.mysql_stmt_affected_rows(statement_));
    }
    auto fetched = fetch_all(on_row);
    library.mysql_stmt_free_result(statement_);
    if (!fetched) return std::move(fetched).error();
    return 0L;
}

Result<void> PreparedStatement::send(std::span<const Param> params) {
    const Functions& library = connection_.library();
    SALLYPORT_ASSERT(params.size() == sent_.size());  // a Query is a constant, always run with as many values
    for (std::size_t i = 0; i < params.size(); ++i) {
        MYSQL_BIND& bind = sent_binds_[i];
        bind = {};
        sent_[i].is_null = params[i].is_null() ? 1 : 0;
        bind.is_null = &sent_[i].is_null;
        switch (params[i].kind()) {
            case Param::Kind::Text:
                bind.buffer_type = MYSQL_TYPE_STRING;
                // The library only reads what is sent.
                bind.buffer =
                    const_cast<char*>(params[i].text().data());  // NOLINT(cppcoreguidelines-pro-type-const-cast)
                sent_[i].length = static_cast<unsigned long>(params[i].text().size());
                bind.buffer_length = sent_[i].length;
                bind.length = &sent_[i].length;
                break;
            case Param::Kind::Integer:
                sent_[i].number = params[i].number();
                bind.buffer_type = MYSQL_TYPE_LONGLONG;
                bind.buffer = &sent_[i].number;
                break;
        }
    }
    if (!params.empty() && library.mysql_stmt_bind_param(statement_, sent_binds_.data()) != 0) return fail();
    if (library.mysql_stmt_execute(statement_) != 0) return fail();
    return {};
}

Result<void> PreparedStatement::fetch_all(const OnRow& on_row) {
    const Functions& library = connection_.library();
    bind_columns();
    if (library.mysql_stmt_bind_result(statement_, column_binds_.data()) != 0) return fail();
    // The whole answer comes over at once: `on_row` may run other statements on this connection.
    if (library.mysql_stmt_store_result(statement_) != 0) return fail();
    while (true) {
        const int fetched = library.mysql_stmt_fetch(statement_);
        if (fetched == MYSQL_NO_DATA) return {};
        if (fetched != 0 && fetched != MYSQL_DATA_TRUNCATED) return fail();
        TRY(complete_row());
        TRY(on_row(row_));
    }
}

void PreparedStatement::bind_columns() {
    constexpr std::size_t usual = 512;
    const std::size_t count = connection_.library().mysql_stmt_field_count(statement_);
    columns_.resize(count);
    column_binds_.assign(count, {});
    row_.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
        columns_[i].buffer.resize(std::max({usual, columns_[i].buffer.size(), columns_[i].longer.size()}));
        column_binds_[i].buffer_type = MYSQL_TYPE_STRING;
        column_binds_[i].buffer = columns_[i].buffer.data();
        column_binds_[i].buffer_length = static_cast<unsigned long>(columns_[i].buffer.size());
        column_binds_[i].length = &columns_[i].length;
        column_binds_[i].is_null = &columns_[i].is_null;
        column_binds_[i].error = &columns_[i].is_cut;
    }
}

/// Fetches again what was longer than its buffer.
Result<void> PreparedStatement::complete_row() {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        Received& column = columns_[i];
        if (column.is_null != 0) {
            row_[i].reset();
            continue;
        }
        if (column.length > column.buffer.size()) {
            column.longer.resize(column.length);
            MYSQL_BIND bind = column_binds_[i];
            bind.buffer = column.longer.data();
            bind.buffer_length = static_cast<unsigned long>(column.longer.size());
            if (connection_.library().mysql_stmt_fetch_column(statement_, &bind, static_cast<unsigned>(i), 0) != 0) {
                return fail();
            }
            row_[i] = std::string_view(column.longer.data(), column.longer.size());
            continue;
        }
        row_[i] = std::string_view(column.buffer.data(), column.length);
    }
    return {};
}

Result<long> PlainStatement::run(std::span<const Param> /*params*/, const OnRow& /*on_row*/) {
    return connection_.run_plain(text_);
}

/// What every session is told first. Quoted names, no silent cuts, no backslashes in text, times without a zone.
constexpr const char* SessionSettings =
    "SET SESSION sql_mode = 'ANSI_QUOTES,STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', innodb_lock_wait_timeout = 5";

const char* isolation_of(Purpose purpose) {
    switch (purpose) {
        case Purpose::Reading: return "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ";
        case Purpose::Writing: return "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";
    }
    return "";
}

class Opener {
public:
    Opener(const Functions& library, ServerUrl url, PasswordSource password)
        : library_(library), url_(std::move(url)), password_(std::move(password)) {}

    Result<std::unique_ptr<Session>> operator()(Purpose purpose) const {
        const SecureBytes password = TRY(password_());
        if (url_.hosts.empty() || !url_.option("unix_socket").empty()) return open({"localhost", 0}, password, purpose);
        std::optional<Error> first;
        for (const ServerHost& host : url_.hosts) {
            auto opened = open(host, password, purpose);
            if (opened) return opened;
            if (!first) first = opened.error();
        }
        return *std::move(first);
    }

private:
    Result<std::unique_ptr<Session>> open(const ServerHost& host, const SecureBytes& password, Purpose purpose) const {
        MYSQL* handle = library_.mysql_init(nullptr);
        if (handle == nullptr) return Error{Code::Overloaded, "no memory for a database connection", {}};
        auto connection = std::make_unique<MariaDbConnection>(library_, handle);
        set_options(handle);
        const std::string socket = url_.option("unix_socket");
        const bool by_socket = host.port == 0;
        // The library keeps a copy of the password in its own memory for as long as the connection lives.
        const char* secret = password.empty() ? nullptr : reinterpret_cast<const char*>(password.reveal().data());
        // Rows found, not rows changed: an UPDATE to what is there already has found its row.
        if (library_.mysql_real_connect(
                handle, host.name.c_str(), url_.user.c_str(), secret, url_.database.c_str(), by_socket ? 0 : host.port,
                by_socket && !socket.empty() ? socket.c_str() : nullptr, CLIENT_FOUND_ROWS) == nullptr) {
            Error error = error_of(library_.mysql_errno(handle), library_.mysql_error(handle));
            error.code = Code::Unavailable;
            return error;
        }
        TRY(connection->run_script(SessionSettings));
        TRY(connection->run_script(isolation_of(purpose)));
        // Galera: what another node has acknowledged is seen here. A server that cannot replicate has no such variable.
        static_cast<void>(connection->run_script("SET SESSION wsrep_sync_wait = 1"));
        // A node that joins, or is cut off, takes connections but no work.
        TRY(connection->run_script("SELECT 1 FROM information_schema.tables LIMIT 1"));
        return std::make_unique<Session>(std::move(connection));
    }

    void set_options(MYSQL* handle) const {
        const auto set = [this, handle](mysql_option option, const void* value) {
            library_.mysql_options(handle, option, value);
        };
        set(MYSQL_OPT_CONNECT_TIMEOUT, &ConnectSeconds);
        set(MYSQL_OPT_READ_TIMEOUT, &IoSeconds);
        set(MYSQL_OPT_WRITE_TIMEOUT, &IoSeconds);
        set(MYSQL_SET_CHARSET_NAME, "utf8mb4");
        const my_bool yes = 1, no = 0;
        // Data from files of the server's choosing is never sent, and a lost session is noticed, not replaced.
        const unsigned off = 0;
        set(MYSQL_OPT_LOCAL_INFILE, &off);
        set(MYSQL_OPT_RECONNECT, &no);
        const auto option_of_file = [this, &set](const char* name, mysql_option option) {
            const std::string file = url_.option(name);
            if (!file.empty()) set(option, file.c_str());
            return !file.empty();
        };
        const bool certified = option_of_file("ssl_ca", MYSQL_OPT_SSL_CA);
        option_of_file("ssl_cert", MYSQL_OPT_SSL_CERT);
        option_of_file("ssl_key", MYSQL_OPT_SSL_KEY);
        if (!certified) return;
        set(MYSQL_OPT_SSL_ENFORCE, &yes);
        set(MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
    }

    const Functions& library_;
    const ServerUrl url_;
    const PasswordSource password_;
};

}  // namespace

Result<std::unique_ptr<Database>> make_mariadb(const ServerUrl& url, PasswordSource password, int sessions) {
    const Functions* library = TRY(functions());
    ServerVendor vendor{Opener(*library, url, std::move(password)), BeginReading, BeginWriting, SchemaDialect::MariaDb};
    return make_server_database(std::move(vendor), sessions);
}

}  // namespace sallyport::db
