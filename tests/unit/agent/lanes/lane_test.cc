#include "agent/lanes/lane.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include <future>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include "agent/lanes/edge_threads.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::lanes {
namespace {

namespace asio = boost::asio;

/// Calls that wait until the test opens the gate.
class Gate {
public:
    void pass() { opened_.wait(); }
    void open() { promise_.set_value(); }

private:
    std::promise<void> promise_;
    std::shared_future<void> opened_ = promise_.get_future().share();
};

class LaneTest : public testing::Test {
protected:
    LaneTest() { edge_.start(); }

    template <class T>
    std::future<T> spawn(asio::awaitable<T> work) {
        return asio::co_spawn(edge_.context(0), std::move(work), asio::use_future);
    }

    EdgeThreads edge_{{.loops = 1, .spare_threads = 2, .patience = std::chrono::microseconds(200)}};
};

TEST_F(LaneTest, RunsACallOnAnotherThreadAndResumesOnTheEdge) {
    Lane lane({.name = "keys", .threads = 1, .queue = 1});
    auto outcome = spawn([](Lane& on) -> asio::awaitable<bool> {
        const auto edge_thread = std::this_thread::get_id();
        auto lane_thread = co_await on.run([] { return std::this_thread::get_id(); });
        co_return lane_thread.has_value() && *lane_thread != edge_thread&& std::this_thread::get_id() == edge_thread;
    }(lane));
    EXPECT_TRUE(outcome.get());
    EXPECT_EQ(lane.counters().done, 1U);
}

TEST_F(LaneTest, GivesTheErrorOfTheCall) {
    Lane lane({.name = "keys"});
    auto outcome = spawn([](Lane& on) -> asio::awaitable<Code> {
        auto answer = co_await on.run([]() -> Result<int> { return Error{Code::NotFound, "no such thing", {}}; });
        co_return answer ? Code::Internal : answer.error().code;
    }(lane));
    EXPECT_EQ(outcome.get(), Code::NotFound);
}

TEST_F(LaneTest, CarriesMoveOnlyResults) {
    Lane lane({.name = "keys"});
    auto outcome = spawn([](Lane& on) -> asio::awaitable<std::size_t> {
        auto answer = co_await on.run([] { return SecureBytes::of_size(24); });
        co_return answer ? answer->size() : 0;
    }(lane));
    EXPECT_EQ(outcome.get(), 24U);
}

TEST_F(LaneTest, RefusesAtOnceWhenTheQueueIsFull) {
    Lane lane({.name = "keys", .threads = 1, .queue = 1});
    Gate gate;
    auto blocked = [](Lane& on, Gate& at) -> asio::awaitable<bool> {
        auto answer = co_await on.run([&at] { at.pass(); });
        co_return answer.has_value();
    };
    auto running = spawn(blocked(lane, gate));
    auto waiting = spawn(blocked(lane, gate));
    auto refused = spawn([](Lane& on) -> asio::awaitable<Code> {
        auto answer = co_await on.run([] {});
        co_return answer ? Code::Internal : answer.error().code;
    }(lane));
    EXPECT_EQ(refused.get(), Code::Overloaded);
    EXPECT_EQ(lane.counters().refused, 1U);
    gate.open();
    EXPECT_TRUE(running.get());
    EXPECT_TRUE(waiting.get());
}

TEST_F(LaneTest, DrainRunsWhatWasAcceptedAndRefusesTheRest) {
    Lane lane({.name = "keys", .threads = 1, .queue = 8});
    Gate gate;
    std::vector<std::future<bool>> accepted;
    for (int i = 0; i < 5; ++i) {
        accepted.push_back(spawn([](Lane& on, Gate& at) -> asio::awaitable<bool> {
            auto answer = co_await on.run([&at] { at.pass(); });
            co_return answer.has_value();
        }(lane, gate)));
    }
    spawn([]() -> asio::awaitable<void> { co_return; }()).get();  // all of them are on the lane now
    lane.close();
    auto late = spawn([](Lane& on) -> asio::awaitable<bool> {
        auto answer = co_await on.run([] {});
        auto brief = co_await on.run_brief([] {});
        co_return answer.has_value() || brief.has_value();
    }(lane));
    EXPECT_FALSE(late.get());
    gate.open();
    lane.drain();
    for (auto& call : accepted) EXPECT_TRUE(call.get());
    EXPECT_EQ(lane.counters().depth, 0U);
}

TEST_F(LaneTest, ManyCallersFromManyLoopsAllGetTheirOwnAnswer) {
    EdgeThreads edge({.loops = 3});
    edge.start();
    Lane lane({.name = "keys", .threads = 3, .queue = 1000});
    std::vector<std::future<int>> answers;
    for (int i = 0; i < 300; ++i) {
        answers.push_back(asio::co_spawn(
            edge.context(static_cast<std::size_t>(i) % 3),
            [](Lane& on, int number) -> asio::awaitable<int> {
                auto once = co_await on.run([number] { return number; });
                auto twice = co_await on.run_brief([number] { return number; });
                co_return once.value() + twice.value();
            }(lane, i),
            asio::use_future));
    }
    for (int i = 0; i < 300; ++i) EXPECT_EQ(answers[static_cast<std::size_t>(i)].get(), 2 * i);
    lane.drain();
}

TEST_F(LaneTest, ABriefCallRunsOnTheEdgeThreadItself) {
    Lane lane({.name = "keys"});
    auto outcome = spawn([](Lane& on) -> asio::awaitable<bool> {
        auto thread = co_await on.run_brief([] { return std::this_thread::get_id(); });
        co_return thread.has_value() && *thread == std::this_thread::get_id();
    }(lane));
    EXPECT_TRUE(outcome.get());
    EXPECT_EQ(lane.counters().done, 1U);
}

TEST_F(LaneTest, ABriefCallThatTurnsOutSlowDoesNotHoldTheLoopUp) {
    Lane lane({.name = "keys"});
    Gate gate;
    auto slow = spawn([](Lane& on, Gate& at) -> asio::awaitable<bool> {
        auto answer = co_await on.run_brief([&at] {
            at.pass();
            return 7;
        });
        co_return answer.has_value() && *answer == 7 && EdgeLoop::current() != nullptr;
    }(lane, gate));
    // The same loop answers while the slow call still holds its first thread.
    EXPECT_TRUE(spawn([]() -> asio::awaitable<bool> { co_return true; }()).get());
    EXPECT_EQ(edge_.rescues(), 1U);
    gate.open();
    EXPECT_TRUE(slow.get());
}

TEST_F(LaneTest, WithoutASpareThreadABriefCallGoesToThePool) {
    Lane lane({.name = "keys", .threads = 1, .queue = 4});
    Gate gate;
    std::vector<std::future<bool>> slow;
    for (int i = 0; i < 2; ++i) {
        slow.push_back(spawn([](Lane& on, Gate& at) -> asio::awaitable<bool> {
            auto answer = co_await on.run_brief([&at] { at.pass(); });
            co_return answer.has_value();
        }(lane, gate)));
    }
    auto outcome = spawn([](Lane& on) -> asio::awaitable<bool> {
        auto thread = co_await on.run_brief([] { return std::this_thread::get_id(); });
        co_return thread.has_value() && *thread != std::this_thread::get_id();
    }(lane));
    EXPECT_TRUE(outcome.get());
    gate.open();
    for (auto& call : slow) EXPECT_TRUE(call.get());
}

TEST_F(LaneTest, BriefAndSlowCallsTogetherAllEnd) {
    Lane lane({.name = "keys", .threads = 2, .queue = 1000});
    std::vector<std::future<int>> answers;
    for (int i = 0; i < 60; ++i) {
        answers.push_back(spawn([](Lane& on, int number) -> asio::awaitable<int> {
            int sum = 0;
            for (int round = 0; round < 10; ++round) {
                auto answer = co_await on.run_brief([number, round] {
                    // Some outlast the patience of 200 µs by far.
                    const auto until = std::chrono::steady_clock::now() +
                                       std::chrono::microseconds((number + round) % 20 == 0 ? 1500 : 0);
                    while (std::chrono::steady_clock::now() < until) std::this_thread::yield();
                    return 1;
                });
                sum += answer ? *answer : 0;
            }
            co_return sum;
        }(lane, i)));
    }
    for (auto& answer : answers) EXPECT_EQ(answer.get(), 10);
}

}  // namespace
}  // namespace sallyport::lanes
