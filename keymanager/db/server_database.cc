#include "keymanager/db/server_database.h"

#include <chrono>
#include <mutex>
#include <optional>
#include <random>
#include <thread>
#include <utility>

#include "keymanager/base/log.h"
#include "keymanager/base/metrics.h"

namespace sallyport::db {
namespace {

Counter retries({"sallyport_database_retries_total",
                 "Transactions done again: deadlocks, conflicts, lost connections."});
Counter unknown_commits({"sallyport_database_unknown_commits_total",
                         "Commits whose outcome is unknown: the connection was lost meanwhile."});

using Moment = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;

constexpr Query Commit{"COMMIT"};
constexpr Query Rollback{"ROLLBACK"};

constexpr int MaxDeadlocks = 12;  // with the waits below about two seconds
constexpr int MaxLostConnections = 4;
constexpr int MaxConflicts = 2;
/// A server that has just refused is not asked again by every caller that waits.
constexpr milliseconds RefusalHolds{250};

/// Longer from try to try and never the same, so that two who met do not meet again.
void wait_before_try(int tries) {
    thread_local std::minstd_rand random{std::random_device{}()};
    const int most = std::min(5 << std::min(tries, 6), 300);
    std::this_thread::sleep_for(milliseconds(std::uniform_int_distribution(most / 2, most)(random)));
}

/// Opens sessions, and remembers for a moment that it could not.
class Connector {
public:
    explicit Connector(std::function<Result<std::unique_ptr<Session>>(Purpose)> open) : open_(std::move(open)) {}

    Result<std::unique_ptr<Session>> connect(Purpose purpose) {
        {
            const std::lock_guard lock(mutex_);
            if (refusal_ && std::chrono::steady_clock::now() < refused_until_) return *refusal_;
        }
        auto opened = open_(purpose);
        const std::lock_guard lock(mutex_);
        if (opened) {
            if (std::exchange(refusal_, std::nullopt)) log_info("database: connected again");
            return opened;
        }
        if (!refusal_) log_warning("database: {} ({})", opened.error().message, opened.error().detail);
        refusal_ = opened.error();
        refused_until_ = std::chrono::steady_clock::now() + RefusalHolds;
        return opened;
    }

private:
    const std::function<Result<std::unique_ptr<Session>>(Purpose)> open_;
    std::mutex mutex_;
    std::optional<Error> refusal_;
    Moment refused_until_;
};

/// How often one piece of work has met what.
struct Tries {
    int deadlocks = 0;
    int lost = 0;
    int conflicts = 0;
};

class ServerDatabase final : public Database {
public:
    ServerDatabase(ServerVendor vendor, int sessions)
        : vendor_(std::move(vendor)),
          connector_(vendor_.open),
          readers_(sessions, [this] { return connector_.connect(Purpose::Reading); }),
          writers_(sessions, [this] { return connector_.connect(Purpose::Writing); }) {}

    Result<void> create_schema() override {
        const bool made = TRY(read([](Session& session) { return is_schema_made(session); }));
        if (made) return {};
        if (!ddl_is_transactional(vendor_.dialect)) {
            // Each statement commits by itself. What a crash leaves half made is gone on with.
            SessionPool::Loan session = TRY(writers_.borrow());
            return create_or_check_schema(*session, vendor_.dialect);
        }
        return write([this](Session& session) { return create_or_check_schema(session, vendor_.dialect); });
    }

    SchemaDialect dialect() const override { return vendor_.dialect; }

protected:
    Result<void> run_read(const Work& work) override {
        return with_retries(readers_, [this, &work](Session& session) -> Attempt {
            if (auto begun = session.begin(vendor_.begin_reading); !begun) return {begun};
            if (auto outcome = guarded(work, session); !outcome) return {outcome};
            return {ended(session)};
        });
    }

    Result<void> run_write(const Work& work) override {
        return with_retries(writers_, [this, &work](Session& session) -> Attempt {
            if (auto begun = session.begin(vendor_.begin_writing); !begun) return {begun};
            if (auto outcome = guarded(work, session); !outcome) return {outcome};
            // PostgreSQL answers COMMIT of a transaction that has failed with a ROLLBACK that looks like success.
            if (auto sound = session.transaction(); !sound) return {sound};
            auto committed = ended(session);
            if (committed || session.fate() != Fate::Lost) return {committed};
            unknown_commits.add();
            return {Error{Code::Unavailable, "the database went away during a commit: look whether it was done",
                          committed.error().detail},
                    true};
        });
    }

private:
    struct Attempt {
        Result<void> result;
        bool is_final = false;  ///< not to be done again, whatever it met
    };

    static Result<void> ended(Session& session) {
        TRY(session.execute(Commit, {}));
        return {};
    }

    template <class Try>
    Result<void> with_retries(SessionPool& pool, const Try& attempt) {
        Tries tries;
        while (true) {
            SessionPool::Loan session = TRY(pool.borrow());
            const Attempt made = attempt(*session);
            const Fate fate = session->fate();
            const bool again = !made.result && !made.is_final && may_try_again(*session, made.result.error(), tries);
            if (fate == Fate::Lost) {
                session.discard();
                // The others have lost theirs as well, or soon will have.
                pool.forget_idle();
            } else if (!made.result && !session->abandon(Rollback)) {
                session.discard();
            }
            if (!again) return made.result;
            retries.add();
            if (fate != Fate::Lost) wait_before_try(tries.deadlocks + tries.conflicts);
        }
    }

    static bool may_try_again(const Session& session, const Error& error, Tries& tries) {
        switch (session.fate()) {
            case Fate::Lost: return ++tries.lost <= MaxLostConnections;
            case Fate::RolledBack: return ++tries.deadlocks <= MaxDeadlocks;
            case Fate::Ended:
            case Fate::Open:
                return error.code == Code::Conflict && session.met_conflict() && ++tries.conflicts <= MaxConflicts;
        }
        return false;
    }

    static Result<void> guarded(const Work& work, Session& session) {
        try {
            return work(session);
        } catch (const std::exception& thrown) {
            return Error{Code::Internal, "work on the database failed in an unexpected way", thrown.what()};
        }
    }

    const ServerVendor vendor_;
    Connector connector_;
    SessionPool readers_;
    SessionPool writers_;
};

}  // namespace

std::unique_ptr<Database> make_server_database(ServerVendor vendor, int sessions) {
    return std::make_unique<ServerDatabase>(std::move(vendor), sessions);
}

}  // namespace sallyport::db
