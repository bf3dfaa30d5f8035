#include "agent/images/watcher.h"

#include <gmock/gmock.h>

#include <deque>
#include <string>
#include <vector>

namespace sallyport::images {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

std::string deletion(const std::string& image) {
    return R"({"event_type": "image.delete", "payload": {"id": ")" + image +
           R"(", "owner": "a", "properties": {"cinder_encryption_key_id": "k"}}})";
}

/// A broker that keeps what is not acknowledged, and whoever is told.
class WatcherTest : public testing::Test {
protected:
    struct Broker {
        std::deque<std::string> waiting;
        std::deque<std::string> unacknowledged;
        std::vector<std::string> rejected;
        int connections = 0;
        int refusals = 0;  ///< connections that are refused from now on
        bool cut = false;  ///< the next wait ends the connection
    };
    class Queue final : public image::NotificationQueue {
    public:
        Queue(Broker& broker, int& idle) : broker_(broker), idle_(idle) {}
        ~Queue() override {
            while (!broker_.unacknowledged.empty()) {
                broker_.waiting.push_front(broker_.unacknowledged.back());
                broker_.unacknowledged.pop_back();
            }
        }
        Result<std::optional<image::Notification>> next(std::chrono::milliseconds) override {
            if (std::exchange(broker_.cut, false)) return Error{Code::Unavailable, "cut", {}};
            if (broker_.waiting.empty()) {
                ++idle_;
                return std::optional<image::Notification>();
            }
            broker_.unacknowledged.push_back(broker_.waiting.front());
            broker_.waiting.pop_front();
            return std::optional(image::Notification{1, broker_.unacknowledged.back()});
        }
        Result<void> acknowledge(const image::Notification&) override {
            broker_.unacknowledged.pop_back();
            return {};
        }
        Result<void> reject(const image::Notification& notification) override {
            broker_.rejected.push_back(notification.body);
            broker_.unacknowledged.pop_back();
            return {};
        }

    private:
        Broker& broker_;
        int& idle_;
    };

    WatchHooks hooks() {
        WatchHooks hooks;
        hooks.connect = [this]() -> Result<std::unique_ptr<image::NotificationQueue>> {
            if (broker_.refusals > 0) {
                --broker_.refusals;
                return Error{Code::Unavailable, "refused", {}};
            }
            ++broker_.connections;
            return std::unique_ptr<image::NotificationQueue>(std::make_unique<Queue>(broker_, idle_));
        };
        hooks.tell = [this](const model::ImageKey& image) -> Result<void> {
            if (failures_ > 0) {
                --failures_;
                return Error{failure_, "no", {}};
            }
            told_.push_back(image.image);
            return {};
        };
        hooks.look = [this]() -> Result<void> {
            looks_.push_back(std::chrono::duration_cast<std::chrono::seconds>(now_ - begin_).count());
            return looks_fail_ ? Result<void>(Error{Code::Unavailable, "away", {}}) : Result<void>();
        };
        hooks.pause = [this](std::chrono::milliseconds time) { now_ += time; };
        hooks.stops = [this] {
            now_ += 1s;
            return --rounds_ <= 0;
        };
        hooks.now = [this] { return now_; };
        return hooks;
    }
    void run(int rounds) {
        rounds_ = rounds;
        watcher_.run();
    }

    Broker broker_;
    std::vector<std::string> told_;
    std::vector<long> looks_;
    int failures_ = 0;
    Code failure_ = Code::Unavailable;
    bool looks_fail_ = false;
    int rounds_ = 0;
    int idle_ = 0;
    const WatchHooks::SteadyTime begin_ = WatchHooks::SteadyTime() + 1000h;
    WatchHooks::SteadyTime now_ = begin_;
    Watcher watcher_{hooks(), {.breath = 0ms}};
};

TEST_F(WatcherTest, AcknowledgesWhatTheAgentHasTaken) {
    broker_.waiting = {deletion("1"), R"({"event_type": "image.update", "payload": {}})", deletion("2")};
    run(10);
    EXPECT_THAT(told_, ElementsAre("1", "2"));
    EXPECT_THAT(broker_.waiting, IsEmpty());
    EXPECT_THAT(broker_.rejected, IsEmpty());
    EXPECT_EQ(broker_.connections, 1);
}

TEST_F(WatcherTest, WhatTheAgentCannotTakeStaysWithTheBrokerUntilItCan) {
    broker_.waiting = {deletion("1"), deletion("2")};
    failures_ = 3;
    run(60);
    EXPECT_THAT(told_, ElementsAre("1", "2"));
    EXPECT_EQ(broker_.connections, 4);
    EXPECT_THAT(broker_.waiting, IsEmpty());
}

TEST_F(WatcherTest, WhatIsUnacknowledgedAtTheEndIsNotLost) {
    broker_.waiting = {deletion("1")};
    failures_ = 1000;
    run(50);
    EXPECT_THAT(told_, IsEmpty());
    EXPECT_THAT(broker_.waiting, ElementsAre(deletion("1")));
}

TEST_F(WatcherTest, RejectsWhatNobodyCanEverActUpon) {
    broker_.waiting = {"no json", deletion("1"), deletion("2")};
    failures_ = 1;
    failure_ = Code::InvalidInput;
    run(10);
    EXPECT_THAT(broker_.rejected, ElementsAre("no json", deletion("1")));
    EXPECT_THAT(told_, ElementsAre("2"));
    EXPECT_EQ(broker_.connections, 1);
}

TEST_F(WatcherTest, AnImageWithoutAKeyConcernsNobody) {
    broker_.waiting = {R"({"event_type": "image.delete", "payload": {"id": "1", "properties": {}}})"};
    run(5);
    EXPECT_THAT(told_, IsEmpty());
    EXPECT_THAT(broker_.waiting, IsEmpty());
}

TEST_F(WatcherTest, ConnectsAnewWithPausesThatGrow) {
    broker_.refusals = 6;
    run(200);
    // 1 + 2 + 4 + 8 + 16 + 30 seconds.
    EXPECT_EQ(broker_.refusals, 0);
    EXPECT_EQ(broker_.connections, 1);
    broker_.cut = true;
    run(20);
    EXPECT_EQ(broker_.connections, 3);  // run() drops the first when it stops
}

TEST_F(WatcherTest, LooksAtFirstAndThenFromTimeToTime) {
    run(1300);
    EXPECT_THAT(looks_, ElementsAre(1, 601, 1201));
}

TEST_F(WatcherTest, LooksSoonAfterTheBrokerWasAway) {
    run(100);
    broker_.cut = true;
    run(200);
    // Once for each of the two connections, but not twice within a minute.
    ASSERT_EQ(looks_.size(), 3u);
    EXPECT_LT(looks_[1], 110);
    EXPECT_GE(looks_[2], looks_[1] + 60);
    EXPECT_LT(looks_[2], looks_[1] + 65);
}

TEST_F(WatcherTest, ALookThatFailedIsRepeatedSooner) {
    looks_fail_ = true;
    run(100);
    EXPECT_EQ(looks_.size(), 4u);
}

TEST_F(WatcherTest, WithoutABrokerItOnlyLooks) {
    WatchHooks without = hooks();
    without.connect = {};
    Watcher watcher(std::move(without), {.breath = 0ms});
    rounds_ = 700;
    watcher.run();
    EXPECT_EQ(looks_.size(), 2u);
    EXPECT_EQ(broker_.connections, 0);
}

}  // namespace
}  // namespace sallyport::images
