#include "keymanager/db/log_flusher.h"

#include <gtest/gtest.h>

#include <atomic>
#include <semaphore>
#include <thread>
#include <vector>

namespace sallyport::db {
namespace {

/// A disk whose flushes end when they are told to.
class LogFlusherTest : public testing::Test {
protected:
    Result<void> flush() {
        ++begun_;
        began_.release();
        may_end_.acquire();
        return outcome_;
    }

    std::counting_semaphore<> began_{0}, may_end_{0};
    std::atomic<int> begun_ = 0;
    Result<void> outcome_;
    LogFlusher flusher_{[this] { return flush(); }};
};

TEST_F(LogFlusherTest, WhoComesDuringAFlushWaitsForTheNext) {
    std::atomic<int> done = 0;
    std::thread first([&] {
        EXPECT_TRUE(flusher_.wait());
        ++done;
    });
    began_.acquire();
    std::vector<std::thread> later;
    std::atomic<int> asking = 0;
    for (int i = 0; i < 3; ++i) {
        later.emplace_back([&] {
            ++asking;
            EXPECT_TRUE(flusher_.wait());
            ++done;
        });
    }
    while (asking < 3) std::this_thread::yield();
    may_end_.release();
    first.join();
    // Nobody else is let go by the flush that had begun before; theirs has to end.
    began_.acquire();
    EXPECT_EQ(done, 1);
    may_end_.release(4);
    for (auto& thread : later) thread.join();
    EXPECT_EQ(done, 4);
    EXPECT_GE(begun_, 2);
}

TEST_F(LogFlusherTest, AFlushThatFailedIsNeverBelievedAgain) {
    outcome_ = Error{Code::Unavailable, "the disk is gone", {}};
    EXPECT_TRUE(flusher_.wait_for_room());
    may_end_.release();
    EXPECT_EQ(flusher_.wait().error().message, "the disk is gone");
    EXPECT_FALSE(flusher_.wait_for_room());
    outcome_ = {};
    EXPECT_FALSE(flusher_.wait());
    EXPECT_EQ(begun_, 1);
}

TEST_F(LogFlusherTest, AWriterComesInWhenWhatIsWrittenIsBeingFlushed) {
    std::thread first([&] { EXPECT_TRUE(flusher_.wait()); });
    began_.acquire();
    // The first is being flushed: there is room for one more to wait.
    EXPECT_TRUE(flusher_.wait_for_room());
    std::atomic<bool> wrote = false;
    std::thread second([&] { EXPECT_TRUE(flusher_.wait()); });
    std::thread writer([&] {
        // Either the second has not come yet, or the writer waits until it is taken.
        EXPECT_TRUE(flusher_.wait_for_room());
        wrote = true;
    });
    may_end_.release();
    first.join();
    began_.acquire();
    writer.join();
    EXPECT_TRUE(wrote);
    may_end_.release();
    second.join();
}

/// A call that shares its thread with others.
class SharedTurn final : public SharedCall {
public:
    SharedTurn() { set_current(this); }
    ~SharedTurn() { set_current(nullptr); }
    void park() override {
        ++parks;
        parked_.acquire();
    }
    void unpark() override { parked_.release(); }
    void yield() override {}
    int parks = 0;

private:
    std::counting_semaphore<> parked_{0};
};

TEST_F(LogFlusherTest, ACallThatSharesItsThreadParks) {
    SharedTurn turn;
    may_end_.release();
    EXPECT_TRUE(flusher_.wait());
    EXPECT_EQ(turn.parks, 1);
}

}  // namespace
}  // namespace sallyport::db
