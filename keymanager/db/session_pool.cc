#include "keymanager/db/session_pool.h"

namespace sallyport::db {

Result<SessionPool::Loan> SessionPool::borrow() {
    {
        std::unique_lock lock(mutex_);
        returned_.wait(lock, [this] { return !idle_.empty() || unopened_ > 0; });
        if (!idle_.empty()) {
            Loan loan(*this, std::move(idle_.back()));
            idle_.pop_back();
            return loan;
        }
        --unopened_;
    }
    auto opened = open_();
    if (opened) return Loan(*this, *std::move(opened));
    {
        const std::lock_guard lock(mutex_);
        ++unopened_;
    }
    returned_.notify_one();
    return std::move(opened).error();
}

void SessionPool::give_back(std::unique_ptr<Session> session) {
    {
        const std::lock_guard lock(mutex_);
        idle_.push_back(std::move(session));
    }
    returned_.notify_one();
}

}  // namespace sallyport::db
