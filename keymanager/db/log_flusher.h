#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "keymanager/base/result.h"
#include "keymanager/base/shared_call.h"

namespace sallyport::db {

/// Flushes a write-ahead log for all who have written to it, on a thread of its own: while the disk works, the next
/// transaction is written, and all that were written meanwhile share the next flush.
///
/// Thread-safe. Nobody waits in it when it goes.
class LogFlusher {
public:
    /// Returns when all that was written to the log before the call is on the disk.
    using Flush = std::function<Result<void>()>;

    explicit LogFlusher(Flush flush) : flush_(std::move(flush)) {}
    LogFlusher(const LogFlusher&) = delete;
    LogFlusher& operator=(const LogFlusher&) = delete;

    /// Returns when a flush that began after the call has ended. A call that shares its thread parks meanwhile.
    /// Error: that of the flush, from then on for everybody: after a flush that failed nobody knows what the kernel
    /// still has to write, and the next one may well succeed without it (fsync(2), NOTES).
    Result<void> wait();
    /// Returns when nobody waits any more for a flush that has not begun: what is written before that would have to
    /// wait for the same flush, and can as well be written together with what comes until then. For one writer at a
    /// time. Error: as above, before anything more is written.
    Result<void> wait_for_room();

private:
    struct Waiter {
        bool done = false;
        SharedCall* const call = SharedCall::current();
        std::condition_variable wake{};  ///< unused by a call that parks
    };
    static void block(std::unique_lock<std::mutex>& lock, Waiter& me);
    static void wake(Waiter& waiter);
    void run(const std::stop_token& stop);

    const Flush flush_;
    mutable std::mutex mutex_;
    std::condition_variable_any somebody_waits_;
    std::vector<Waiter*> waiters_;  // for the flush that is to begin
    Waiter* writer_ = nullptr;      // until it has begun
    std::optional<Error> broken_;
    std::jthread thread_{[this](const std::stop_token& stop) { run(stop); }};  // last: it uses the others
};

}  // namespace sallyport::db
