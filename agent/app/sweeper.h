#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

#include "keymanager/base/result.h"

namespace sallyport::app {

/// Does a piece of work again and again until it says that nothing is left, then rests. On a thread of its own: neither
/// the edge nor a lane ever waits for it, and between two pieces it lets others at the database.
class Sweeper {
public:
    /// One bounded piece; true if there is more to do. Must not throw.
    using Piece = std::function<Result<bool>()>;

    struct Times {
        std::chrono::milliseconds rest = std::chrono::hours(1);
        std::chrono::milliseconds breath = std::chrono::milliseconds(50);
    };

    /// Begins at once. What `piece` uses must outlive this.
    Sweeper(Piece piece, Times times);
    /// Waits for the piece that is being done, no longer.
    ~Sweeper() = default;
    Sweeper(const Sweeper&) = delete;
    Sweeper& operator=(const Sweeper&) = delete;

private:
    void run(const std::stop_token& stop);

    const Piece piece_;
    const Times times_;
    std::mutex mutex_;
    std::condition_variable_any wakes_;
    std::jthread thread_;  ///< the last: it uses the others
};

}  // namespace sallyport::app
