#include "keymanager/db/log_flusher.h"

#include <chrono>
#include <utility>

#include "keymanager/base/log.h"
#include "keymanager/base/metrics.h"

namespace sallyport::db {
namespace {

Latency flush_time({"sallyport_database_log_flush_duration_seconds", "A flush of SQLite's write-ahead log."});

}  // namespace

Result<void> LogFlusher::wait() {
    Waiter me;
    std::unique_lock lock(mutex_);
    if (broken_) return *broken_;
    waiters_.push_back(&me);
    somebody_waits_.notify_one();
    block(lock, me);
    if (broken_) return *broken_;
    return {};
}

Result<void> LogFlusher::wait_for_room() {
    Waiter me;
    std::unique_lock lock(mutex_);
    if (!waiters_.empty()) {
        writer_ = &me;
        block(lock, me);
    }
    if (broken_) return *broken_;
    return {};
}

void LogFlusher::block(std::unique_lock<std::mutex>& lock, Waiter& me) {
    while (!me.done) {
        if (me.call == nullptr) {
            me.wake.wait(lock);
        } else {
            lock.unlock();
            me.call->park();
            lock.lock();
        }
    }
}

/// Waiters live on their threads' stacks: once told under the lock that they are done they may vanish.
void LogFlusher::wake(Waiter& waiter) {
    waiter.done = true;
    if (waiter.call != nullptr) {
        waiter.call->unpark();
    } else {
        waiter.wake.notify_one();
    }
}

void LogFlusher::run(const std::stop_token& stop) {
    std::vector<Waiter*> flushed;
    while (true) {
        {
            std::unique_lock lock(mutex_);
            if (!somebody_waits_.wait(lock, stop, [this] { return !waiters_.empty(); })) return;
            flushed.swap(waiters_);
            if (writer_ != nullptr) wake(*std::exchange(writer_, nullptr));
        }
        const auto begun = std::chrono::steady_clock::now();
        const auto outcome = flush_();
        flush_time.observe(std::chrono::steady_clock::now() - begun);
        if (!outcome)
            log_error("database: {}. Nothing more is written until the agent is restarted", outcome.error().message);
        const std::lock_guard lock(mutex_);
        if (!outcome && !broken_) broken_ = outcome.error();
        for (Waiter* waiter : flushed) wake(*waiter);
        flushed.clear();
    }
}

}  // namespace sallyport::db
