#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <span>

#include "keymanager/base/result.h"
#include "keymanager/base/shared_call.h"
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
/// Thread-safe. Work may run on another writer's thread, and twice. If the commit fails it fails for every member of
/// the group.
class CommitQueue {
public:
    using Work = std::function<Result<void>(Session&)>;

    /// `session` is used by nobody else. `begin` are the vendor's words for opening a transaction that will write.
    CommitQueue(Session& session, const Query& begin) : session_(session), begin_(begin) {}

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
    void release(const std::deque<Member*>& group, const Member& me);
    void commit(const std::deque<Member*>& group);
    Result<void> run_all(const std::deque<Member*>& group);
    Result<bool> run_plainly(const std::deque<Member*>& group);
    Result<void> run_in_savepoint(Member& member);

    Session& session_;
    const Query begin_;
    mutable std::mutex mutex_;
    std::deque<Member*> queue_;  // the first of them leads, or will
};

}  // namespace sallyport::db
