#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"
#include "keymanager/db/dialect.h"

namespace sallyport::db {

class Session;  ///< one connection inside one transaction; see session.h. Never outlives the call that lends it.

struct DatabaseConfig {
    /// As in Barbican's sql_connection: sqlite:////path, sqlite:// (in memory), mysql+pymysql://user@host/name,
    /// postgresql://user@host/name. Several hosts with commas between them: the next one is tried if one is away.
    std::string url;
    std::string password_file;  ///< for databases with accounts; empty: none
    int sessions = 4;           ///< connections for readers; a server has as many for writers
    /// The password itself, where it is in no file of its own (another program's configuration). Instead of the file.
    std::shared_ptr<const SecureBytes> known_password{};
    /// Another program's database: nothing of how it is stored is changed, and a file that is not there is not made.
    bool foreign = false;
};

/// What is committed, as one value: any commit of anybody, in this process or another, changes it. Opaque.
using CommitMark = std::array<std::uint32_t, 12>;

/// The pool of connections, the transactions and their retries. One implementation a vendor.
///
/// Thread-safe. Calls block: use them from a lane.
/// Work functions may run more than once (a lost session, a certification conflict), so they have no effect but on the
/// session, and what they return.
class Database {
public:
    virtual ~Database() = default;

    /// Runs `work` on a consistent snapshot. Error: that of `work`; `Unavailable` if the database is away.
    template <class F>
    auto read(F&& work) -> std::invoke_result_t<F, Session&> {
        return capture(std::forward<F>(work), [this](const Work& w) { return run_read(w); });
    }

    /// Runs `work` in a transaction and returns when it is durable. If `work` fails nothing of it stays.
    /// Concurrent writers may share one commit; none returns before that commit is durable.
    template <class F>
    auto write(F&& work) -> std::invoke_result_t<F, Session&> {
        return capture(std::forward<F>(work), [this](const Work& w) { return run_write(w); });
    }

    /// The mark of this moment, for those who keep what they have read: taken before the read, it holds for what was
    /// read while it stays the same. A commit is in it before its writer hears of it. Costs nanoseconds.
    /// Nothing if the vendor would have to ask somebody for it: then nothing that was read may be kept.
    virtual std::optional<CommitMark> commit_mark() const { return std::nullopt; }

    /// Makes the tables of an empty database (Barbican's, and ours under sp_), records the Alembic revision; on one
    /// that has them checks the revision. Error: `Conflict` if it is at another revision than ours.
    virtual Result<void> create_schema() = 0;
    virtual SchemaDialect dialect() const = 0;

protected:
    using Work = std::function<Result<void>(Session&)>;
    virtual Result<void> run_read(const Work& work) = 0;
    virtual Result<void> run_write(const Work& work) = 0;

private:
    template <class F, class Run>
    static auto capture(F&& work, Run&& run) -> std::invoke_result_t<F, Session&> {
        using R = std::invoke_result_t<F, Session&>;
        if constexpr (std::is_void_v<typename R::value_type>) {
            return run(Work(std::ref(work)));
        } else {
            std::optional<R> answer;
            const Result<void> outcome = run([&work, &answer](Session& session) -> Result<void> {
                answer.emplace(work(session));
                if (!*answer) return answer->error();
                return {};
            });
            if (!outcome) return outcome.error();
            return std::move(*answer);
        }
    }
};

/// Error: `InvalidInput` for an unknown scheme, `Unavailable` if it cannot be reached or opened.
Result<std::unique_ptr<Database>> make_database(const DatabaseConfig& config);

}  // namespace sallyport::db
