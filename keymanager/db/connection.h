#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "keymanager/base/result.h"

/// What a vendor's client library has to give: the seam between Session and sqlite.cc, mariadb.cc and postgresql.cc.
namespace sallyport::db {

class Param;

/// A row of an answer: each column as text, nothing for NULL. Views live until the next row is fetched.
using Row = std::span<const std::optional<std::string_view>>;

/// One statement as the vendor's library has parsed it. Goes before its connection.
class Statement {
public:
    virtual ~Statement() = default;

    /// Sees a row; an error ends the statement and is its answer.
    using OnRow = std::function<Result<void>(Row)>;
    /// Binds, runs and fetches; answers how many rows were changed (an UPDATE counts the rows that it found). The
    /// statement is ready for the next run afterwards, whatever came of this one, and holds no snapshot.
    virtual Result<long> run(std::span<const Param> params, const OnRow& on_row) = 0;
};

/// What the failure of a statement has made of the transaction that was open.
enum class Fate {
    Open,        ///< it still stands: only the statement failed
    Ended,       ///< gone, for a reason that will come again (a full disk)
    RolledBack,  ///< gone, for a reason that a second try may not meet (a deadlock, another node's write)
    Lost,        ///< the connection is gone, and whatever was not committed
};

/// One connection. Used by one thread at a time.
class Connection {
public:
    virtual ~Connection() = default;

    /// `text` names its values ":name", each once; params of run() come in that order.
    virtual Result<std::unique_ptr<Statement>> prepare(std::string_view text) = 0;
    /// One statement without values and rows, not kept.
    virtual Result<void> run_script(const std::string& text) = 0;
    virtual Result<bool> has_table(std::string_view name) = 0;

    /// Asked after a failure.
    virtual Fate fate() const = 0;
};

}  // namespace sallyport::db
