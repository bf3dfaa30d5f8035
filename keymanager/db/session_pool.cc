#include "keymanager/db/session_pool.h"

#include <chrono>

#include "keymanager/base/metrics.h"

namespace sallyport::db {
namespace {

Latency wait_time({"sallyport_database_session_wait_seconds", "How long readers waited that found all sessions lent."});

}  // namespace

Result<SessionPool::Loan> SessionPool::borrow() {
    {
        std::unique_lock lock(mutex_);
        if (idle_.empty() && unopened_ == 0) {
            const auto begun = std::chrono::steady_clock::now();
            returned_.wait(lock, [this] { return !idle_.empty() || unopened_ > 0; });
            wait_time.observe(std::chrono::steady_clock::now() - begun);
        }
        if (!idle_.empty()) {
            Loan loan(*this, std::move(idle_.back()));
            idle_.pop_back();
            return loan;
        }
        --unopened_;
    }
    auto opened = open_();
    if (opened) return Loan(*this, *std::move(opened));
    forget_one();
    return std::move(opened).error();
}

void SessionPool::give_back(std::unique_ptr<Session> session) {
    {
        const std::lock_guard lock(mutex_);
        idle_.push_back(std::move(session));
    }
    returned_.notify_one();
}

void SessionPool::forget_one() {
    {
        const std::lock_guard lock(mutex_);
        ++unopened_;
    }
    returned_.notify_one();
}

void SessionPool::forget_idle() {
    std::vector<std::unique_ptr<Session>> gone;  // closed after the lock
    {
        const std::lock_guard lock(mutex_);
        gone.swap(idle_);
        unopened_ += static_cast<int>(gone.size());
    }
    returned_.notify_all();
}

}  // namespace sallyport::db
