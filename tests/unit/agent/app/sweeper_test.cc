#include "agent/app/sweeper.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>

namespace sallyport::app {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

/// Counts calls, and waits for one.
class Calls {
public:
    int add() {
        const std::lock_guard lock(mutex_);
        ++count_;
        changed_.notify_all();
        return count_;
    }
    bool reach(int count) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(30), [this, count] { return count_ >= count; });
    }
    int count() {
        const std::lock_guard lock(mutex_);
        return count_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int count_ = 0;
};

TEST(Sweeper, GoesOnWhileThereIsMoreAndThenRests) {
    Calls calls;
    {
        const Sweeper sweeper([&calls]() -> Result<bool> { return calls.add() < 3; },
                              {.rest = hours(1), .breath = milliseconds(1)});
        EXPECT_TRUE(calls.reach(3));
    }
    EXPECT_EQ(calls.count(), 3);
}

TEST(Sweeper, BeginsAnewAfterItsRest) {
    Calls calls;
    const Sweeper sweeper([&calls]() -> Result<bool> { return calls.add() < 0; },
                          {.rest = milliseconds(1), .breath = hours(1)});
    EXPECT_TRUE(calls.reach(3));
}

TEST(Sweeper, TriesAgainAfterAFailure) {
    Calls calls;
    const Sweeper sweeper(
        [&calls]() -> Result<bool> {
            calls.add();
            return Error{Code::Unavailable, "the database is away", {}};
        },
        {.rest = milliseconds(1), .breath = hours(1)});
    EXPECT_TRUE(calls.reach(2));
}

TEST(Sweeper, StopsWhileItRests) {
    Calls calls;
    std::optional<Sweeper> sweeper;
    sweeper.emplace([&calls]() -> Result<bool> { return calls.add() < 0; }, Sweeper::Times{});
    EXPECT_TRUE(calls.reach(1));
    sweeper.reset();
    EXPECT_EQ(calls.count(), 1);
}

}  // namespace
}  // namespace sallyport::app
