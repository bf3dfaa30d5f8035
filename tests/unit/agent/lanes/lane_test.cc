#include "agent/lanes/lane.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "agent/lanes/edge_threads.h"
#include "keymanager/base/secure_bytes.h"
#include "keymanager/base/shared_call.h"

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

using SharedCalls = LaneTest;

TEST_F(SharedCalls, WhileOneIsParkedTheThreadRunsTheNext) {
    Lane lane({.name = "keys", .threads = 1, .queue = 8, .calls_a_thread = 2});
    std::promise<SharedCall*> parking;
    auto parked = spawn([](Lane& on, std::promise<SharedCall*>& tell) -> asio::awaitable<bool> {
        auto answer = co_await on.run([&tell] {
            SharedCall* me = SharedCall::current();
            tell.set_value(me);
            if (me == nullptr) return false;
            me->park();
            return SharedCall::current() == me;
        });
        co_return answer.has_value() && *answer;
    }(lane, parking));
    SharedCall* first = parking.get_future().get();
    ASSERT_NE(first, nullptr);
    auto second = spawn([](Lane& on, SharedCall* other) -> asio::awaitable<bool> {
        auto answer = co_await on.run([other] { return SharedCall::current() != other; });
        co_return answer.has_value() && *answer;
    }(lane, first));
    EXPECT_TRUE(second.get());
    EXPECT_EQ(lane.counters().running, 1U);
    first->unpark();
    EXPECT_TRUE(parked.get());
    lane.drain();
    EXPECT_EQ(lane.counters().running, 0U);
    EXPECT_EQ(SharedCall::current(), nullptr);
}

TEST_F(SharedCalls, DoNotParkWhenTheyWereUnparkedBefore) {
    Lane lane({.name = "keys", .threads = 1, .queue = 8, .calls_a_thread = 2});
    auto outcome = spawn([](Lane& on) -> asio::awaitable<bool> {
        auto answer = co_await on.run([] {
            SharedCall::current()->unpark();
            SharedCall::current()->park();
        });
        co_return answer.has_value();
    }(lane));
    EXPECT_TRUE(outcome.get());
}

TEST_F(SharedCalls, ThatYieldLetThoseThatWaitBegin) {
    Lane lane({.name = "keys", .threads = 1, .queue = 8, .calls_a_thread = 8});
    Gate gate;
    std::vector<int> begun;  // on the lane's thread alone
    std::vector<std::future<bool>> calls;
    calls.push_back(spawn([](Lane& on, Gate& at, std::vector<int>& order) -> asio::awaitable<bool> {
        auto answer = co_await on.run([&at, &order] {
            at.pass();
            SharedCall::current()->yield();
            order.push_back(1);
        });
        co_return answer.has_value();
    }(lane, gate, begun)));
    for (int i = 2; i <= 4; ++i) {
        calls.push_back(spawn([](Lane& on, std::vector<int>& order, int number) -> asio::awaitable<bool> {
            auto answer = co_await on.run([&order, number] { order.push_back(number); });
            co_return answer.has_value();
        }(lane, begun, i)));
    }
    spawn([]() -> asio::awaitable<void> { co_return; }()).get();  // all of them are on the lane now
    gate.open();
    for (auto& call : calls) EXPECT_TRUE(call.get());
    EXPECT_EQ(begun, (std::vector{2, 3, 4, 1}));
}

TEST_F(SharedCalls, WithLongWorkHoldNobodyUp) {
    Lane lane({.name = "keys", .threads = 1, .queue = 8, .calls_a_thread = 2});
    Gate gate;
    auto slow = spawn([](Lane& on, Gate& at) -> asio::awaitable<bool> {
        auto answer = co_await on.run([&at] {
            run_long([&at] { at.pass(); });
            try {
                run_long([] { throw std::runtime_error("as elsewhere"); });
            } catch (const std::runtime_error&) {
                return true;
            }
            return false;
        });
        co_return answer.has_value() && *answer;
    }(lane, gate));
    auto quick = spawn([](Lane& on) -> asio::awaitable<bool> {
        auto answer = co_await on.run([] {});
        co_return answer.has_value();
    }(lane));
    EXPECT_TRUE(quick.get());
    gate.open();
    EXPECT_TRUE(slow.get());
}

TEST_F(SharedCalls, AreRefusedBeyondTheRoomAndAllEndInADrain) {
    Lane lane({.name = "keys", .threads = 2, .queue = 2, .calls_a_thread = 3});
    std::latch parked(6);
    std::mutex mutex;
    std::vector<SharedCall*> waiting;
    std::vector<std::future<bool>> calls;
    const auto park = [](Lane& on, std::latch& begun, std::mutex& lock,
                         std::vector<SharedCall*>& all) -> asio::awaitable<bool> {
        auto answer = co_await on.run([&begun, &lock, &all] {
            {
                const std::lock_guard guard(lock);
                all.push_back(SharedCall::current());
            }
            begun.count_down();
            SharedCall::current()->park();
        });
        co_return answer.has_value();
    };
    for (int i = 0; i < 6; ++i) calls.push_back(spawn(park(lane, parked, mutex, waiting)));
    parked.wait();
    for (int i = 0; i < 2; ++i) {
        calls.push_back(spawn([](Lane& on) -> asio::awaitable<bool> {
            auto answer = co_await on.run([] {});
            co_return answer.has_value();
        }(lane)));
    }
    auto refused = spawn([](Lane& on) -> asio::awaitable<Code> {
        auto answer = co_await on.run([] {});
        co_return answer ? Code::Internal : answer.error().code;
    }(lane));
    EXPECT_EQ(refused.get(), Code::Overloaded);
    lane.close();
    for (SharedCall* call : waiting) call->unpark();
    lane.drain();
    for (auto& call : calls) EXPECT_TRUE(call.get());
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
