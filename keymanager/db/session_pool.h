#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "keymanager/base/result.h"
#include "keymanager/db/session.h"

namespace sallyport::db {

/// A bounded number of sessions, opened when first needed. The one used last is lent first: its pages are warm.
/// Thread-safe. Outlives every loan.
class SessionPool {
public:
    using Open = std::function<Result<std::unique_ptr<Session>>()>;
    SessionPool(int size, Open open) : unopened_(size), open_(std::move(open)) {}

    /// A session to use until the loan goes; it then returns to the pool.
    class Loan {
    public:
        Loan(SessionPool& pool, std::unique_ptr<Session> session) : pool_(&pool), session_(std::move(session)) {}
        Loan(Loan&&) = default;
        Loan& operator=(Loan&&) = delete;
        ~Loan() {
            if (session_) pool_->give_back(std::move(session_));
        }
        /// Closes the session instead of giving it back: it is of no more use.
        void discard() {
            session_.reset();
            pool_->forget_one();
        }
        Session& operator*() const { return *session_; }
        Session* operator->() const { return session_.get(); }

    private:
        SessionPool* pool_;
        std::unique_ptr<Session> session_;
    };

    /// Waits for a session if all are lent. Error: that of `open`.
    Result<Loan> borrow();
    /// Closes the sessions that nobody has borrowed.
    void forget_idle();

private:
    void give_back(std::unique_ptr<Session> session);
    void forget_one();

    std::mutex mutex_;
    std::condition_variable returned_;
    std::vector<std::unique_ptr<Session>> idle_;
    int unopened_;
    const Open open_;
};

}  // namespace sallyport::db
