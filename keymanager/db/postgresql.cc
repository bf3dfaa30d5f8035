#include "keymanager/db/postgresql.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <utility>
#include <vector>

#include "keymanager/base/assert.h"
#include "keymanager/db/client_library.h"
#include "keymanager/db/connection.h"
#include "keymanager/db/placeholders.h"
#include "keymanager/db/server_database.h"
#include "keymanager/db/session.h"

namespace sallyport::db {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr Query BeginReading{"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"};
// A writer that has waited for a row sees what the one before it has committed.
constexpr Query BeginWriting{"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"};

/// The server gives up a lock after 5 s and a statement after 15; this is for a server that does not answer at all.
constexpr milliseconds AnswerTime{20000};

#define SALLYPORT_PQ_FUNCTIONS(F) \
    F(PQconnectdbParams)          \
    F(PQstatus)                   \
    F(PQtransactionStatus)        \
    F(PQerrorMessage)             \
    F(PQfinish)                   \
    F(PQsocket)                   \
    F(PQsendQuery)                \
    F(PQsendPrepare)              \
    F(PQsendQueryPrepared)        \
    F(PQconsumeInput)             \
    F(PQisBusy)                   \
    F(PQgetResult)                \
    F(PQresultStatus)             \
    F(PQresultErrorField)         \
    F(PQresultErrorMessage)       \
    F(PQcmdTuples)                \
    F(PQntuples)                  \
    F(PQnfields)                  \
    F(PQgetvalue)                 \
    F(PQgetlength)                \
    F(PQgetisnull)                \
    F(PQclear)

struct Functions {
#define SALLYPORT_MEMBER(name) decltype(&::name) name = nullptr;
    SALLYPORT_PQ_FUNCTIONS(SALLYPORT_MEMBER)
#undef SALLYPORT_MEMBER
};

Result<Functions> load_functions() {
    const ClientLibrary library = TRY(ClientLibrary::load("libpq.so.5", "libpq5"));
    Functions functions;
#define SALLYPORT_FIND(name) TRY(library.find(#name, functions.name));
    SALLYPORT_PQ_FUNCTIONS(SALLYPORT_FIND)
#undef SALLYPORT_FIND
    return functions;
}

/// Loaded once, by the first who asks.
Result<const Functions*> functions() {
    static const Result<Functions> loaded = load_functions();
    if (!loaded) return loaded.error();
    return &*loaded;
}

/// What an SQLSTATE means; PostgreSQL documentation, Appendix A, "PostgreSQL Error Codes".
struct Meaning {
    Code code = Code::Internal;
    Fate fate = Fate::Ended;  // any error ends the transaction
    const char* message = "the database failed";
};

Meaning meaning_of(std::string_view state) {
    if (state == "23505") return {Code::Conflict, Fate::Ended, "such a row exists already"};
    if (state.starts_with("23")) {
        return {Code::Conflict, Fate::Ended, "the row refers to one that does not exist, or is referred to"};
    }
    if (state.starts_with("22")) return {Code::InvalidInput, Fate::Ended, "a value does not fit into its column"};
    // Serialization failure, deadlock, a lock that was not to be had in time.
    if (state.starts_with("40") || state == "55P03") {
        return {Code::Unavailable, Fate::RolledBack, "the database is busy with conflicting writes"};
    }
    if (state == "57014") return {Code::Unavailable, Fate::Ended, "the database took too long"};
    if (state.starts_with("08") || state.starts_with("57P") || state == "25006") {
        return {Code::Unavailable, Fate::Lost, "the database server is away"};
    }
    if (state == "53300") return {Code::Unavailable, Fate::Lost, "the database server has too many connections"};
    if (state.starts_with("53") || state.starts_with("58")) {
        return {Code::Io, Fate::Ended, "the database server could not read or write its files"};
    }
    return {};
}

class PqConnection;

/// Rows of an answer, freed with it.
class Answer {
public:
    Answer(const Functions& library, PGresult* result) : library_(&library), result_(result) {}
    Answer(Answer&& other) noexcept : library_(other.library_), result_(std::exchange(other.result_, nullptr)) {}
    Answer& operator=(Answer&&) = delete;
    ~Answer() {
        if (result_ != nullptr) library_->PQclear(result_);
    }
    const PGresult* get() const { return result_; }
    PGresult* get() { return result_; }

private:
    const Functions* library_;
    PGresult* result_;
};

class PqStatement final : public Statement {
public:
    PqStatement(PqConnection& connection, std::string name, std::size_t values)
        : connection_(connection), name_(std::move(name)), values_(values) {}
    ~PqStatement() override;
    PqStatement(const PqStatement&) = delete;
    PqStatement& operator=(const PqStatement&) = delete;

    Result<long> run(std::span<const Param> params, const OnRow& on_row) override;

private:
    PqConnection& connection_;
    const std::string name_;
    const std::size_t values_;
};

/// BEGIN, COMMIT and the like.
class PlainStatement final : public Statement {
public:
    PlainStatement(PqConnection& connection, std::string_view text) : connection_(connection), text_(text) {}
    Result<long> run(std::span<const Param> params, const OnRow& on_row) override;

private:
    PqConnection& connection_;
    const std::string text_;
};

class PqConnection final : public Connection {
public:
    PqConnection(const Functions& library, PGconn* handle) : library_(library), handle_(handle) {}
    ~PqConnection() override { library_.PQfinish(handle_); }
    PqConnection(const PqConnection&) = delete;
    PqConnection& operator=(const PqConnection&) = delete;

    const Functions& library() const { return library_; }
    PGconn* handle() const { return handle_; }

    Result<std::unique_ptr<Statement>> prepare(std::string_view text) override {
        const auto rewritten = rewrite_placeholders(text, PlaceholderStyle::Dollar);
        std::unique_ptr<Statement> parsed;
        if (rewritten.values == 0 && !text.starts_with("SELECT")) {
            parsed = std::make_unique<PlainStatement>(*this, text);
            return parsed;
        }
        std::string name = fmt::format("sp{}", ++prepared_);
        TRY(answer_to(library_.PQsendPrepare(handle_, name.c_str(), rewritten.text.c_str(), 0, nullptr)));
        parsed = std::make_unique<PqStatement>(*this, std::move(name), rewritten.values);
        return parsed;
    }

    Result<void> run_script(const std::string& text) override {
        TRY(answer_to(library_.PQsendQuery(handle_, text.c_str())));
        return {};
    }

    Result<bool> has_table(std::string_view name) override {
        const auto find =
            TRY(prepare("SELECT table_name FROM information_schema.tables"
                        " WHERE table_schema = current_schema() AND table_name = :name"));
        bool has = false;
        TRY(find->run(std::span(std::initializer_list<Param>{name}), [&has](Row) -> Result<void> {
            has = true;
            return {};
        }));
        return has;
    }

    Fate fate() const override { return fate_; }

    /// The last answer to what was just sent (`sent` is what the sending call said). Error: what the server says, or
    /// that it does not answer: the connection is then given up.
    Result<Answer> answer_to(int sent) {
        if (sent != 1) return lost();
        std::optional<Answer> last;
        const auto until = steady_clock::now() + AnswerTime;
        while (true) {
            while (library_.PQisBusy(handle_) != 0) TRY(wait_for_input(until));
            PGresult* result = library_.PQgetResult(handle_);
            if (result == nullptr) break;
            last.reset();
            last.emplace(Answer(library_, result));
        }
        if (!last) return lost();
        switch (library_.PQresultStatus(last->get())) {
            case PGRES_COMMAND_OK:
            case PGRES_TUPLES_OK: return std::move(*last);
            case PGRES_EMPTY_QUERY:
            case PGRES_COPY_OUT:
            case PGRES_COPY_IN:
            case PGRES_BAD_RESPONSE:
            case PGRES_NONFATAL_ERROR:
            case PGRES_FATAL_ERROR:
            case PGRES_COPY_BOTH:
            case PGRES_SINGLE_TUPLE:
            case PGRES_PIPELINE_SYNC:
            case PGRES_PIPELINE_ABORTED: break;
        }
        return failure(*last);
    }

private:
    Error failure(Answer& answer) {
        if (library_.PQstatus(handle_) != CONNECTION_OK) return lost();
        const char* field = library_.PQresultErrorField(answer.get(), PG_DIAG_SQLSTATE);
        const std::string_view state = field != nullptr ? field : "";
        const Meaning meaning = meaning_of(state);
        fate_ = meaning.fate;
        return {meaning.code, meaning.message,
                fmt::format("PostgreSQL {}: {}", state, library_.PQresultErrorMessage(answer.get()))};
    }

    Error lost() {
        fate_ = Fate::Lost;
        return {Code::Unavailable, "the database server is away", library_.PQerrorMessage(handle_)};
    }

    Result<void> wait_for_input(steady_clock::time_point until) {
        const auto left = std::chrono::duration_cast<milliseconds>(until - steady_clock::now());
        pollfd socket{library_.PQsocket(handle_), POLLIN, 0};
        const int ready = left.count() > 0 ? ::poll(&socket, 1, static_cast<int>(left.count())) : 0;
        if (ready < 0 && errno == EINTR) return {};
        if (ready <= 0) {
            fate_ = Fate::Lost;
            return Error{Code::Unavailable, "the database server does not answer", {}};
        }
        if (library_.PQconsumeInput(handle_) != 1) return lost();
        return {};
    }

    const Functions& library_;
    PGconn* const handle_;
    Fate fate_ = Fate::Open;  // of the last failure
    unsigned long prepared_ = 0;
};

PqStatement::~PqStatement() {
    // Statements that are parsed for one call would pile up in the server. In a transaction that has failed this fails
    // as well; the number of those is small, and they go with the connection.
    if (connection_.library().PQtransactionStatus(connection_.handle()) == PQTRANS_INERROR) return;
    static_cast<void>(connection_.run_script("DEALLOCATE " + name_));
}

Result<long> PqStatement::run(std::span<const Param> params, const OnRow& on_row) {
    SALLYPORT_ASSERT(params.size() == values_);  // a Query is a constant, always run with as many values
    const Functions& library = connection_.library();
    std::vector<std::string> texts(params.size());
    std::vector<const char*> values(params.size(), nullptr);
    for (std::size_t i = 0; i < params.size(); ++i) {
        if (params[i].is_null()) continue;
        switch (params[i].kind()) {
            case Param::Kind::Text: texts[i] = params[i].text(); break;
            case Param::Kind::Integer: texts[i] = std::to_string(params[i].number()); break;
        }
        // Values go over as C strings: what stands behind a NUL would be cut off unseen.
        if (texts[i].find('\0') != std::string::npos) {
            return Error{Code::InvalidInput, "text for the database must not hold the character NUL", {}};
        }
        values[i] = texts[i].c_str();
    }
    Answer answer = TRY(connection_.answer_to(library.PQsendQueryPrepared(
        connection_.handle(), name_.c_str(), static_cast<int>(params.size()), values.data(), nullptr, nullptr, 0)));

    const int rows = library.PQntuples(answer.get());
    const int columns = library.PQnfields(answer.get());
    std::vector<std::optional<std::string_view>> row(static_cast<std::size_t>(columns));
    for (int r = 0; r < rows; ++r) {
        for (int c = 0; c < columns; ++c) {
            auto& cell = row[static_cast<std::size_t>(c)];
            cell.reset();
            if (library.PQgetisnull(answer.get(), r, c) != 0) continue;
            cell.emplace(library.PQgetvalue(answer.get(), r, c),
                         static_cast<std::size_t>(library.PQgetlength(answer.get(), r, c)));
        }
        TRY(on_row(row));
    }
    long changed = 0;
    const std::string_view tuples = library.PQcmdTuples(answer.get());
    std::from_chars(tuples.data(), tuples.data() + tuples.size(), changed);
    return changed;
}

Result<long> PlainStatement::run(std::span<const Param> /*params*/, const OnRow& /*on_row*/) {
    TRY(connection_.run_script(text_));
    return 0L;
}

class Opener {
public:
    Opener(const Functions& library, ServerUrl url, PasswordSource password)
        : library_(library), url_(std::move(url)), password_(std::move(password)) {}

    Result<std::unique_ptr<Session>> operator()(Purpose /*purpose*/) const {
        const SecureBytes password = TRY(password_());
        std::string hosts, ports;
        for (const ServerHost& host : url_.hosts) {
            hosts += (hosts.empty() ? "" : ",") + host.name;
            ports += (ports.empty() ? "" : ",") + std::to_string(host.port);
        }
        if (const auto folder = url_.option("host"); hosts.empty()) hosts = folder;  // of the UNIX socket

        std::vector<const char*> names, values;
        const auto set = [&names, &values](const char* name, const char* value) {
            if (*value == '\0') return;
            names.push_back(name);
            values.push_back(value);
        };
        set("host", hosts.c_str());
        set("port", ports.c_str());
        set("user", url_.user.c_str());
        set("dbname", url_.database.c_str());
        // The library keeps a copy of the password in its own memory for as long as the connection lives.
        if (!password.empty()) set("password", reinterpret_cast<const char*>(password.reveal().data()));
        for (const auto& [name, value] : url_.options) {
            if (name != "host") set(name.c_str(), value.c_str());
        }
        set("application_name", "sallyport");
        set("client_encoding", "UTF8");
        set("connect_timeout", "5");
        set("tcp_user_timeout", "20000");
        // After a failover the old primary may still answer: only the one that takes writes will do.
        set("target_session_attrs", "read-write");
        set("options",
            "-c timezone=UTC -c lock_timeout=5s -c statement_timeout=15s -c standard_conforming_strings=on "
            "-c client_min_messages=error");
        names.push_back(nullptr);
        values.push_back(nullptr);

        // What the client's environment (PGOPTIONS, PGSERVICE) says does not count where something is said here.
        PGconn* handle = library_.PQconnectdbParams(names.data(), values.data(), 0);
        if (handle == nullptr) return Error{Code::Overloaded, "no memory for a database connection", {}};
        auto connection = std::make_unique<PqConnection>(library_, handle);
        if (library_.PQstatus(handle) != CONNECTION_OK) {
            return Error{Code::Unavailable, "the database server is away, or refuses this user",
                         library_.PQerrorMessage(handle)};
        }
        return std::make_unique<Session>(std::move(connection));
    }

private:
    const Functions& library_;
    const ServerUrl url_;
    const PasswordSource password_;
};

}  // namespace

Result<std::unique_ptr<Database>> make_postgresql(const ServerUrl& url, PasswordSource password, int sessions) {
    const Functions* library = TRY(functions());
    ServerVendor vendor{Opener(*library, url, std::move(password)), BeginReading, BeginWriting,
                        SchemaDialect::PostgreSql};
    return make_server_database(std::move(vendor), sessions);
}

}  // namespace sallyport::db
