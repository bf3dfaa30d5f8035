#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "keymanager/base/clock.h"
#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/db/connection.h"

namespace sallyport::db {

/// One statement. Values are bound where the text says ":name" (each name once, in order); no value is ever part of
/// the text. Write a Query as a constant: it is parsed once a session and kept.
struct Query {
    const char* text;
    int columns = 0;  ///< how many a row has, for the reader; 0: it answers no rows
};

/// A value for one ":name". Borrows text, so it lives no longer than the call that it is written in.
class Param {
public:
    enum class Kind { Text, Integer };

    Param(const char* text) : text_(text) {}                       // NOLINT(google-explicit-constructor)
    Param(std::string_view text) : text_(text) {}                  // NOLINT(google-explicit-constructor)
    Param(const std::string& text) : text_(text) {}                // NOLINT(google-explicit-constructor)
    Param(int number) : Param(static_cast<long>(number)) {}        // NOLINT(google-explicit-constructor)
    Param(long number) : kind_(Kind::Integer), number_(number) {}  // NOLINT(google-explicit-constructor)
    template <std::same_as<bool> B>
    Param(B) = delete;                                   ///< say flag()
    Param(Timestamp time) : time_(to_sql_text(time)) {}  // NOLINT(google-explicit-constructor)
    template <class Tag>
    Param(const Id<Tag>& id) : text_(id.str()) {}  // NOLINT(google-explicit-constructor)
    template <class T>
    Param(const std::optional<T>& value)
        : Param(value ? Param(*value) : null(kind_of<T>())) {}  // NOLINT(google-explicit-constructor)
    /// Booleans are text to the database ('0', '1'), which every vendor reads as its own kind of truth.
    static Param flag(bool value) { return Param(value ? "1" : "0"); }

    Kind kind() const { return kind_; }
    bool is_null() const { return null_; }
    std::string_view text() const { return time_.empty() ? text_ : std::string_view(time_); }
    long number() const { return number_; }

private:
    template <class T>
    static constexpr Kind kind_of() {
        return std::is_integral_v<T> ? Kind::Integer : Kind::Text;
    }
    static Param null(Kind kind) {
        Param param("");
        param.kind_ = kind;
        param.null_ = true;
        return param;
    }

    Kind kind_ = Kind::Text;
    bool null_ = false;
    std::string_view text_;
    std::string time_;
    long number_ = 0;
};

/// The columns of one row, taken from left to right in the order of the SELECT. A column that makes no sense is
/// remembered, not thrown: ask `finish()` before you use what you took.
class Columns {
public:
    explicit Columns(Row row) : row_(row) {}

    std::string text();  ///< NULL is wrong here
    std::optional<std::string> optional_text();
    long integer();
    std::optional<int> optional_integer();
    bool flag();
    Timestamp time();
    std::optional<Timestamp> optional_time();
    template <class AnyId>
    AnyId id() {
        return AnyId(text());
    }
    template <class AnyId>
    std::optional<AnyId> optional_id() {
        auto value = optional_text();
        if (!value) return std::nullopt;
        return AnyId(std::move(*value));
    }
    /// True if the next column is NULL; takes nothing. The mark of a LEFT JOIN that found no row.
    bool next_is_null() const;
    void skip(int columns) { at_ += static_cast<std::size_t>(columns); }

    /// Error: `Corrupt`, naming the column by its place.
    Result<void> finish() const;

private:
    const std::optional<std::string_view>& next();
    void reject(const char* expected);

    const Row row_;
    std::size_t at_ = 0;
    std::optional<std::size_t> rejected_at_;
    const char* expected_ = "";
};

/// One connection with its parsed statements. The only way to the database for the repository.
///
/// Used by one thread at a time. After the database has dropped the transaction by itself every call fails until
/// `begin` is called again: nothing slips out of a transaction that its author believes in.
class Session {
public:
    explicit Session(std::unique_ptr<Connection> connection);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    using OnRow = std::function<Result<void>(Columns&)>;

    /// Runs a SELECT; `on_row` sees each row. The first error of `on_row` ends it and is the answer.
    Result<void> select(const Query& query, std::initializer_list<Param> params, const OnRow& on_row);
    /// Runs an INSERT, UPDATE or DELETE; answers how many rows it changed. Error: `Conflict` by a constraint.
    Result<long> execute(const Query& query, std::initializer_list<Param> params);

    /// A statement that is put together from constant pieces at run time: parsed for this call only.
    Result<void> select_once(const std::string& text, int columns, std::span<const Param> params, const OnRow& on_row);
    /// Runs an INSERT for every set of values that `next` fills in, until it says false; parsed for this call only.
    using NextParams = std::function<Result<bool>(std::vector<Param>&)>;
    Result<void> execute_each(const std::string& text, const NextParams& next);
    /// One statement of DDL, or a PRAGMA without rows.
    Result<void> run_script(const std::string& text);
    Result<bool> has_table(std::string_view name);

    /// How many rows execute() has changed so far, rolled back or not: whoever compares two answers knows whether
    /// anything was written in between.
    long changed_rows() const;

    /// Opens a transaction with the vendor's words for it.
    Result<void> begin(const Query& query);
    /// Ends a transaction that failed, with the vendor's words for it. Error: the connection is of no more use.
    Result<void> abandon(const Query& query);
    /// The error by which the database dropped the open transaction by itself, if it did.
    Result<void> transaction() const;
    /// What became of the transaction: `Open` unless transaction() is an error.
    Fate fate() const;
    /// True if a constraint refused a row since `begin`: another writer may have been quicker.
    bool met_conflict() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace sallyport::db
