#include "keymanager/db/session.h"

#include <fmt/format.h>
#include <soci/soci.h>

#include <charconv>
#include <unordered_map>
#include <vector>

#include "keymanager/base/assert.h"

namespace sallyport::db {

/// SOCI exchanges values with variables whose addresses it keeps, so a statement owns its own.
struct StatementBuffers {
    std::vector<std::string> columns;
    std::vector<soci::indicator> column_state;
};

namespace {

/// A parsed statement with the variables that it is bound to.
class Statement {
public:
    Statement(soci::session& sql, const char* text, int columns, std::span<const Param> params) : statement_(sql) {
        buffers_.columns.resize(static_cast<std::size_t>(columns));
        buffers_.column_state.resize(static_cast<std::size_t>(columns), soci::i_null);
        texts_.resize(params.size());
        numbers_.resize(params.size());
        param_state_.resize(params.size(), soci::i_null);
        for (const Param& param : params) kinds_.push_back(param.kind());

        statement_.alloc();
        statement_.prepare(text);
        for (std::size_t i = 0; i < params.size(); ++i) {
            switch (kinds_[i]) {
                case Param::Kind::Text: statement_.exchange(soci::use(texts_[i], param_state_[i])); break;
                case Param::Kind::Integer: statement_.exchange(soci::use(numbers_[i], param_state_[i])); break;
            }
        }
        for (std::size_t i = 0; i < buffers_.columns.size(); ++i) {
            statement_.exchange(soci::into(buffers_.columns[i], buffers_.column_state[i]));
        }
        statement_.define_and_bind();
    }

    void bind(std::span<const Param> params) {
        SALLYPORT_ASSERT(params.size() == kinds_.size());  // the same Query is always run with the same parameters
        for (std::size_t i = 0; i < params.size(); ++i) {
            SALLYPORT_ASSERT(params[i].kind() == kinds_[i]);
            param_state_[i] = params[i].is_null() ? soci::i_null : soci::i_ok;
            texts_[i] = params[i].text();
            numbers_[i] = params[i].number();
        }
    }

    /// True if there is a row.
    bool execute() { return statement_.execute(true); }
    bool fetch() { return statement_.fetch(); }
    long affected() { return static_cast<long>(statement_.get_affected_rows()); }
    const StatementBuffers& buffers() const { return buffers_; }

private:
    StatementBuffers buffers_;
    std::vector<Param::Kind> kinds_;
    std::vector<std::string> texts_;
    std::vector<long> numbers_;
    std::vector<soci::indicator> param_state_;
    soci::statement statement_;
};

Result<void> each_row(Statement& statement, const Session::OnRow& on_row) {
    Result<void> outcome;
    for (bool row = statement.execute(); row; row = statement.fetch()) {
        if (!outcome) continue;
        Columns columns(statement.buffers());
        outcome = on_row(columns);
    }
    return outcome;
}

std::span<const Param> as_span(std::initializer_list<Param> params) { return {params.begin(), params.size()}; }

}  // namespace

const std::string* Columns::next() {
    const auto i = static_cast<std::size_t>(at_++);
    SALLYPORT_ASSERT(i < buffers_.columns.size());  // no more is taken than the SELECT names
    return buffers_.column_state[i] == soci::i_null ? nullptr : &buffers_.columns[i];
}

bool Columns::next_is_null() const { return buffers_.column_state[static_cast<std::size_t>(at_)] == soci::i_null; }

void Columns::reject(const char* expected) {
    if (rejected_at_ >= 0) return;
    rejected_at_ = at_;
    expected_ = expected;
}

std::string Columns::text() {
    const std::string* value = next();
    if (value != nullptr) return *value;
    reject("a value");
    return {};
}

std::optional<std::string> Columns::optional_text() {
    const std::string* value = next();
    if (value == nullptr) return std::nullopt;
    return *value;
}

long Columns::integer() {
    long number = 0;
    const std::string* value = next();
    if (value == nullptr || std::from_chars(value->data(), value->data() + value->size(), number).ec != std::errc()) {
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
    const std::string* value = next();
    if (value != nullptr && (*value == "1" || *value == "t" || *value == "true")) return true;
    if (value == nullptr || (*value != "0" && *value != "f" && *value != "false")) reject("a truth value");
    return false;
}

Timestamp Columns::time() {
    const std::string* value = next();
    if (value != nullptr) {
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
    if (rejected_at_ < 0) return {};
    return Error{Code::Corrupt, "a row of the database is damaged",
                 fmt::format("column {} of the result holds no {}", rejected_at_, expected_)};
}

struct Session::Impl {
    // First the connection, then what is parsed on it: destroyed in the opposite order.
    std::unique_ptr<soci::session> sql;
    const Vendor& vendor;
    std::unordered_map<const char*, std::unique_ptr<Statement>> statements;  // by the address of the constant text
    std::optional<Error> lost;

    Error fail(const std::exception& thrown, const char* text) {
        Error error = vendor.translate(thrown);
        error.detail += fmt::format(" in: {:.80}", text);
        if (!lost && vendor.has_dropped_transaction(*sql)) lost = error;
        return error;
    }

    Statement& prepared(const Query& query, std::span<const Param> params) {
        auto& slot = statements[query.text];
        if (!slot) slot = std::make_unique<Statement>(*sql, query.text, query.columns, params);
        slot->bind(params);
        return *slot;
    }
};

Session::Session(std::unique_ptr<soci::session> sql, const Vendor& vendor)
    : impl_(new Impl{std::move(sql), vendor, {}, {}}) {}
Session::~Session() = default;

Result<void> Session::select(const Query& query, std::initializer_list<Param> params, const OnRow& on_row) {
    if (impl_->lost) return *impl_->lost;
    try {
        return each_row(impl_->prepared(query, as_span(params)), on_row);
    } catch (const std::exception& thrown) {
        impl_->statements.erase(query.text);
        return impl_->fail(thrown, query.text);
    }
}

Result<long> Session::execute(const Query& query, std::initializer_list<Param> params) {
    if (impl_->lost) return *impl_->lost;
    try {
        Statement& statement = impl_->prepared(query, as_span(params));
        statement.execute();
        return statement.affected();
    } catch (const std::exception& thrown) {
        // A statement that failed is not reset by SOCI, and an open statement holds locks: parse it anew.
        impl_->statements.erase(query.text);
        return impl_->fail(thrown, query.text);
    }
}

Result<void> Session::select_once(const std::string& text, int columns, std::span<const Param> params,
                                  const OnRow& on_row) {
    if (impl_->lost) return *impl_->lost;
    try {
        Statement statement(*impl_->sql, text.c_str(), columns, params);
        statement.bind(params);
        return each_row(statement, on_row);
    } catch (const std::exception& thrown) {
        return impl_->fail(thrown, text.c_str());
    }
}

Result<void> Session::run_script(const std::string& text) {
    if (impl_->lost) return *impl_->lost;
    try {
        impl_->sql->once << text;
        return {};
    } catch (const std::exception& thrown) {
        return impl_->fail(thrown, text.c_str());
    }
}

Result<bool> Session::has_table(std::string_view name) {
    if (impl_->lost) return *impl_->lost;
    try {
        std::string found;
        soci::statement tables = (impl_->sql->prepare_table_names(), soci::into(found));
        bool has = false;
        for (bool row = tables.execute(true); row; row = tables.fetch()) has = has || found == name;
        return has;
    } catch (const std::exception& thrown) {
        return impl_->fail(thrown, "the list of tables");
    }
}

Result<void> Session::begin(const Query& query) {
    impl_->lost.reset();
    const auto begun = execute(query, {});
    // Outside of a transaction there is none to lose.
    impl_->lost.reset();
    if (!begun) return begun.error();
    return {};
}

Result<void> Session::transaction() const {
    if (impl_->lost) return *impl_->lost;
    return {};
}

}  // namespace sallyport::db
