#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <span>

#include "keymanager/base/result.h"
#include "keymanager/base/shared_call.h"
#include "keymanager/db/log_flusher.h"
#include "keymanager/db/session.h"

namespace sallyport::db {

/// Lets concurrent writers share one commit, since a commit costs a flush of the disk and a flush takes as long for
/// twenty rows as for one. The first writer to come leads: it runs what is queued, commits once, and then lets all of
/// them go. What a member that fails has written is undone without the others. Who comes meanwhile waits for the next
/// group.
///
/// A writer that shares its thread with others (SharedCall) parks there, and lets those that have just come join before
/// it leads. So a thread can bring a whole group.
///
/// Who has just been let go often writes again at once. So a leader waits for as many as there were before him, for
/// half the time of a flush at most: else they take turns, and each waits for the other's flush.
///
/// With a flusher, COMMIT itself does not flush: the next group runs while the disk works on this one, and everybody is
/// let go only after a flush that began after his commit. Readers see a row a flush earlier than its writer is told.
///
/// Thread-safe. Work may run on another writer's thread, and twice. If the commit fails it fails for every member of
/// the group.
class CommitQueue {
public:
    using Work = std::function<Result<void>(Session&)>;

    /// `session` is used by nobody else. `begin` are the vendor's words for opening a transaction that will write.
    /// `flusher`, if COMMIT leaves the flush to it, outlives this.
    CommitQueue(Session& session, const Query& begin, LogFlusher* flusher = nullptr)
        : session_(session), begin_(begin), flusher_(flusher) {}

    /// Returns when `work` is durable, or has left nothing.
    Result<void> run(const Work& work);
    /// How many writers are in it now, the one that leads among them.
    std::size_t size() const;

private:
    struct Member {
        const Work& work;
        Result<void> outcome{};
        enum class State { Waiting, Leads, Done } state = State::Waiting;
        SharedCall* const call = SharedCall::current();
        std::condition_variable wake{};  ///< unused by a call that parks
    };

    std::deque<Member*> wait_for_turn(Member& me);
    void wait(Member& me);
    static void set_state(Member& member, Member::State state);
    std::deque<Member*> gather();
    void pass_lead(std::size_t group_size);
    void release(const std::deque<Member*>& group, const Member& me, std::chrono::nanoseconds flush_time);
    bool commit(const std::deque<Member*>& group);
    static void fail(const std::deque<Member*>& group, const Error& error);
    Result<void> run_all(const std::deque<Member*>& group);
    Result<bool> run_plainly(const std::deque<Member*>& group);
    Result<void> run_in_savepoint(Member& member);

    Session& session_;
    const Query begin_;
    LogFlusher* const flusher_;
    mutable std::mutex mutex_;
    std::deque<Member*> queue_;  // the first of them leads, or will
    std::condition_variable crowd_is_here_;
    std::size_t crowd_ = 0;  // how many wrote or waited when the last group was through
    std::chrono::nanoseconds flush_time_{0};
};

}  // namespace sallyport::db
