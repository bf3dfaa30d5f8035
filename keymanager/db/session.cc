#include "keymanager/db/session.h"

#include <fmt/format.h>

#include <charconv>
#include <unordered_map>

#include "keymanager/base/assert.h"
#include "keymanager/base/metrics.h"

namespace sallyport::db {

namespace {

std::span<const Param> as_span(std::initializer_list<Param> params) { return {params.begin(), params.size()}; }

Gauge sessions_open({"sallyport_database_sessions", "Open connections to the database."});
Counter errors({"sallyport_database_errors_total", "Statements that failed."});

}  // namespace

const std::optional<std::string_view>& Columns::next() {
    SALLYPORT_ASSERT(at_ < row_.size());  // no more is taken than the SELECT names
    return row_[at_++];
}

bool Columns::next_is_null() const {
    SALLYPORT_ASSERT(at_ < row_.size());
    return !row_[at_];
}

void Columns::reject(const char* expected) {
    if (rejected_at_) return;
    rejected_at_ = at_;
    expected_ = expected;
}

std::string Columns::text() {
    if (const auto& value = next()) return std::string(*value);
    reject("a value");
    return {};
}

std::optional<std::string> Columns::optional_text() {
    if (const auto& value = next()) return std::string(*value);
    return std::nullopt;
}

long Columns::integer() {
    long number = 0;
    const auto& value = next();
    if (!value || std::from_chars(value->data(), value->data() + value->size(), number).ec != std::errc()) {
        reject("a number");
    }
    return number;
}

std::optional<int> Columns::optional_integer() {
    if (next_is_null()) {
        skip(1);
        return std::nullopt;
    }
    return static_cast<int>(integer());
}

bool Columns::flag() {
    const auto& value = next();
    if (value == "1" || value == "t" || value == "true") return true;
    if (value != "0" && value != "f" && value != "false") reject("a truth value");
    return false;
}

Timestamp Columns::time() {
    if (const auto& value = next()) {
        const auto time = parse_iso8601(*value);
        if (time) return *time;
    }
    reject("a date and time");
    return {};
}

std::optional<Timestamp> Columns::optional_time() {
    if (next_is_null()) {
        skip(1);
        return std::nullopt;
    }
    return time();
}

Result<void> Columns::finish() const {
    if (!rejected_at_) return {};
    return Error{Code::Corrupt, "a row of the database is damaged",
                 fmt::format("column {} of the result holds no {}", *rejected_at_, expected_)};
}

struct Session::Impl {
    // First the connection, then what is parsed on it: destroyed in the opposite order.
    std::unique_ptr<Connection> connection;
    std::unordered_map<const char*, std::unique_ptr<Statement>> statements;  // by the address of the constant text
    std::optional<Error> lost;
    Fate fate = Fate::Open;
    bool met_conflict = false;
    long changed_rows = 0;

    Error fail(Error error, std::string_view text) {
        errors.add();
        error.detail += fmt::format(" in: {:.80}", text);
        if (error.code == Code::Conflict) met_conflict = true;
        if (!lost && connection->fate() != Fate::Open) {
            fate = connection->fate();
            lost = error;
        }
        return error;
    }

    Result<Statement*> prepared(const Query& query) {
        auto& slot = statements[query.text];
        if (!slot) slot = TRY(connection->prepare(query.text));
        return slot.get();
    }

    /// An error of `on_row` is the caller's own and passes as it is; one of the statement is the database's.
    Result<long> run(Statement& statement, std::span<const Param> params, const OnRow& on_row, std::string_view text) {
        std::optional<Error> refused;
        auto done = statement.run(params, [&on_row, &refused](Row row) -> Result<void> {
            Columns columns(row);
            auto seen = on_row(columns);
            if (!seen) refused = seen.error();
            return seen;
        });
        if (refused) return *std::move(refused);
        if (!done) return fail(std::move(done).error(), text);
        return done;
    }
};

Session::Session(std::unique_ptr<Connection> connection) : impl_(new Impl{std::move(connection), {}, {}}) {
    sessions_open.add(1);
}
Session::~Session() { sessions_open.add(-1); }

Result<void> Session::select(const Query& query, std::initializer_list<Param> params, const OnRow& on_row) {
    if (impl_->lost) return *impl_->lost;
    const auto statement = impl_->prepared(query);
    if (!statement) return impl_->fail(statement.error(), query.text);
    TRY(impl_->run(**statement, as_span(params), on_row, query.text));
    return {};
}

Result<long> Session::execute(const Query& query, std::initializer_list<Param> params) {
    if (impl_->lost) return *impl_->lost;
    const auto statement = impl_->prepared(query);
    if (!statement) return impl_->fail(statement.error(), query.text);
    const long changed = TRY(impl_->run(
        **statement, as_span(params), [](Columns&) -> Result<void> { return {}; }, query.text));
    impl_->changed_rows += changed;
    return changed;
}

Result<void> Session::select_once(const std::string& text, int /*columns*/, std::span<const Param> params,
                                  const OnRow& on_row) {
    if (impl_->lost) return *impl_->lost;
    const auto statement = impl_->connection->prepare(text);
    if (!statement) return impl_->fail(statement.error(), text);
    TRY(impl_->run(**statement, params, on_row, text));
    return {};
}

Result<void> Session::execute_each(const std::string& text, const NextParams& next) {
    if (impl_->lost) return *impl_->lost;
    const auto statement = impl_->connection->prepare(text);
    if (!statement) return impl_->fail(statement.error(), text);
    std::vector<Param> params;
    while (TRY(next(params))) {
        TRY(impl_->run(
            **statement, params, [](Columns&) -> Result<void> { return {}; }, text));
    }
    return {};
}

Result<void> Session::run_script(const std::string& text) {
    if (impl_->lost) return *impl_->lost;
    auto done = impl_->connection->run_script(text);
    if (!done) return impl_->fail(std::move(done).error(), text);
    return {};
}

Result<bool> Session::has_table(std::string_view name) {
    if (impl_->lost) return *impl_->lost;
    auto has = impl_->connection->has_table(name);
    if (!has) return impl_->fail(std::move(has).error(), "the list of tables");
    return has;
}

long Session::changed_rows() const { return impl_->changed_rows; }

Result<void> Session::begin(const Query& query) {
    impl_->lost.reset();
    impl_->fate = Fate::Open;
    impl_->met_conflict = false;
    const auto begun = execute(query, {});
    if (begun) return {};
    // Outside of a transaction there is none to lose, but the connection may be.
    impl_->lost.reset();
    return begun.error();
}

Result<void> Session::abandon(const Query& query) {
    impl_->lost.reset();
    TRY(execute(query, {}));
    return {};
}

Result<void> Session::transaction() const {
    if (impl_->lost) return *impl_->lost;
    return {};
}

Fate Session::fate() const { return impl_->fate; }
bool Session::met_conflict() const { return impl_->met_conflict; }

}  // namespace sallyport::db
