#include "keymanager/db/commit_queue.h"

#include <algorithm>
#include <chrono>
#include <exception>

#include "keymanager/base/metrics.h"

namespace sallyport::db {
namespace {

Counter commits({"sallyport_database_commit_groups_total", "Groups of writes that shared one commit."});
Counter writes({"sallyport_database_writes_total", "Writes, each in a commit group."});
Latency write_time({"sallyport_database_write_duration_seconds", "A write, from joining a group to its commit."});
Latency commit_time({"sallyport_database_commit_duration_seconds",
                     "The COMMIT of a group; with its flush, unless that is done beside it."});

constexpr Query Commit{"COMMIT"};
constexpr Query Rollback{"ROLLBACK"};
constexpr Query SetSavepoint{"SAVEPOINT member"};
constexpr Query ReleaseSavepoint{"RELEASE SAVEPOINT member"};
constexpr Query RollbackToSavepoint{"ROLLBACK TO SAVEPOINT member"};

/// One member's fault must not take the others with it.
Result<void> guarded(const CommitQueue::Work& work, Session& session) {
    try {
        return work(session);
    } catch (const std::exception& thrown) {
        return Error{Code::Internal, "a write failed in an unexpected way", thrown.what()};
    }
}

}  // namespace

Result<void> CommitQueue::run(const Work& work) {
    const auto begun = std::chrono::steady_clock::now();
    Member me{work};
    const std::deque<Member*> group = wait_for_turn(me);
    if (!group.empty()) {
        const bool is_written = commit(group);
        const auto committed = std::chrono::steady_clock::now();
        pass_lead(group.size());
        if (is_written && flusher_ != nullptr) {
            if (const auto flushed = flusher_->wait(); !flushed) fail(group, flushed.error());
        }
        release(group, me, std::chrono::steady_clock::now() - committed);
        commits.add();
        writes.add(group.size());
    }
    write_time.observe(std::chrono::steady_clock::now() - begun);
    return std::move(me.outcome);
}

std::size_t CommitQueue::size() const {
    const std::lock_guard lock(mutex_);
    return queue_.size();
}

/// The group to commit, if this writer leads; nothing if another has done its work.
std::deque<CommitQueue::Member*> CommitQueue::wait_for_turn(Member& me) {
    {
        const std::lock_guard lock(mutex_);
        queue_.push_back(&me);
        if (queue_.front() == &me) me.state = Member::State::Leads;
        if (queue_.size() == crowd_) crowd_is_here_.notify_one();
    }
    wait(me);
    if (me.state == Member::State::Done) return {};
    // Whatever is wrong there is said when the group begins.
    if (flusher_ != nullptr) static_cast<void>(flusher_->wait_for_room());
    return gather();
}

/// What is queued once everybody is there who can be expected.
std::deque<CommitQueue::Member*> CommitQueue::gather() {
    constexpr std::chrono::nanoseconds longest = std::chrono::milliseconds(1);
    std::unique_lock lock(mutex_);
    crowd_is_here_.wait_for(lock, std::min(flush_time_ / 2, longest), [this] { return queue_.size() >= crowd_; });
    return queue_;
}

/// Until the member leads or is done; no other thread changes it then.
void CommitQueue::wait(Member& me) {
    std::unique_lock lock(mutex_);
    if (me.call == nullptr) return me.wake.wait(lock, [&me] { return me.state != Member::State::Waiting; });
    while (me.state == Member::State::Waiting) {
        lock.unlock();
        me.call->park();
        lock.lock();
    }
    lock.unlock();
    if (me.state == Member::State::Leads) me.call->yield();
}

void CommitQueue::set_state(Member& member, Member::State state) {
    member.state = state;
    if (member.call != nullptr) {
        member.call->unpark();
    } else {
        member.wake.notify_one();
    }
}

/// The group leaves the queue, and the first of those who came meanwhile leads the next.
void CommitQueue::pass_lead(std::size_t group_size) {
    const std::lock_guard lock(mutex_);
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(group_size));
    if (!queue_.empty()) set_state(*queue_.front(), Member::State::Leads);
}

/// Members live on their threads' stacks: once told under the lock that they are done they may vanish.
void CommitQueue::release(const std::deque<Member*>& group, const Member& me, std::chrono::nanoseconds flush_time) {
    const std::lock_guard lock(mutex_);
    crowd_ = group.size() + queue_.size();
    flush_time_ = (3 * flush_time_ + flush_time) / 4;
    for (Member* member : group) {
        if (member != &me) set_state(*member, Member::State::Done);
    }
}

void CommitQueue::fail(const std::deque<Member*>& group, const Error& error) {
    for (Member* member : group) {
        if (member->outcome) member->outcome = error;
    }
}

/// True if something was written that a flush has to make durable.
bool CommitQueue::commit(const std::deque<Member*>& group) {
    const auto fail_all = [&group](const Error& error) {
        fail(group, error);
        return false;
    };
    if (flusher_ != nullptr) {
        if (const auto sound = flusher_->wait_for_room(); !sound) return fail_all(sound.error());
    }
    if (const auto begun = session_.begin(begin_); !begun) return fail_all(begun.error());
    if (const auto sound = run_all(group); !sound) {
        // What ran before cannot be told from what failed, or is gone; what would run now would stand alone.
        static_cast<void>(session_.execute(Rollback, {}));
        return fail_all(sound.error());
    }
    const bool anything = std::ranges::any_of(group, [](const Member* member) { return member->outcome.has_value(); });
    const auto before = std::chrono::steady_clock::now();
    const auto ended = session_.execute(anything ? Commit : Rollback, {});
    commit_time.observe(std::chrono::steady_clock::now() - before);
    if (ended) return anything;
    fail(group, ended.error());
    // Some commits fail and leave the transaction open; after others there is nothing left to roll back.
    static_cast<void>(session_.execute(Rollback, {}));
    return false;
}

/// Inside a savepoint SQLite copies every page before it changes it, and hardly any member fails after it has written.
/// So the group is run without savepoints, and once more with them if that was too bold.
Result<void> CommitQueue::run_all(const std::deque<Member*>& group) {
    if (TRY(run_plainly(group))) return {};
    TRY(session_.execute(Rollback, {}));
    TRY(session_.begin(begin_));
    for (Member* member : group) TRY(run_in_savepoint(*member));
    return {};
}

/// False if a member failed and left rows that have to go without those of the others. Error: the transaction is lost.
Result<bool> CommitQueue::run_plainly(const std::deque<Member*>& group) {
    for (Member* member : group) {
        const long before = session_.changed_rows();
        member->outcome = guarded(member->work, session_);
        TRY(session_.transaction());
        if (!member->outcome && session_.changed_rows() != before && group.size() > 1) return false;
    }
    return true;
}

Result<void> CommitQueue::run_in_savepoint(Member& member) {
    TRY(session_.execute(SetSavepoint, {}));
    member.outcome = guarded(member.work, session_);
    TRY(session_.transaction());
    if (!member.outcome) TRY(session_.execute(RollbackToSavepoint, {}));
    TRY(session_.execute(ReleaseSavepoint, {}));
    return {};
}

}  // namespace sallyport::db
