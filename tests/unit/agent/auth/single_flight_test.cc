#include "agent/auth/single_flight.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "tests/unit/agent/auth/run_coroutine.h"

namespace sallyport::auth {
namespace {

namespace asio = boost::asio;

/// Askers that share flights, and a gate that keeps the one who really asks on its way.
class SingleFlightOnALoop : public testing::Test {
protected:
    void ask(const std::string& key, Result<int> answer) {
        asio::co_spawn(
            loop_,
            [this, key, answer]() -> asio::awaitable<void> {
                // In two steps: g++ 12 destroys temporaries of a co_await expression twice.
                const auto pass = [this, &answer] { return pass_gate(answer); };
                auto flight = flights_.run(key, pass);
                auto got = co_await std::move(flight);
                answers_.push_back(got ? *got : -1);
            },
            asio::detached);
    }
    asio::awaitable<Result<int>> pass_gate(Result<int> answer) {
        ++asked_;
        boost::system::error_code ignored;
        co_await gate_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        co_return answer;
    }
    void open_gate() {
        gate_.expires_at(asio::steady_timer::time_point::min());
        loop_.run();
    }

    asio::io_context loop_;
    asio::steady_timer gate_{loop_, asio::steady_timer::time_point::max()};
    SingleFlight<std::string, int> flights_;
    int asked_ = 0;
    std::vector<int> answers_;
};

TEST_F(SingleFlightOnALoop, AsksOnceForAllWhoWait) {
    for (int i = 0; i < 5; ++i) ask("a", 7);
    loop_.poll();
    EXPECT_EQ(asked_, 1);
    EXPECT_TRUE(answers_.empty());
    open_gate();
    EXPECT_THAT(answers_, testing::ElementsAre(7, 7, 7, 7, 7));
    EXPECT_EQ(asked_, 1);
}

TEST_F(SingleFlightOnALoop, AsksApartForDifferentKeys) {
    ask("a", 1);
    ask("b", 2);
    loop_.poll();
    EXPECT_EQ(asked_, 2);
    open_gate();
    EXPECT_THAT(answers_, testing::UnorderedElementsAre(1, 2));
}

TEST_F(SingleFlightOnALoop, AsksAnewOnceTheAnswerIsThere) {
    ask("a", 1);
    open_gate();
    loop_.restart();
    ask("a", 2);
    open_gate();
    EXPECT_EQ(asked_, 2);
    EXPECT_THAT(answers_, testing::ElementsAre(1, 2));
}

TEST_F(SingleFlightOnALoop, SharesAFailureToo) {
    for (int i = 0; i < 3; ++i) ask("a", Error{Code::Unavailable, "away", {}});
    open_gate();
    EXPECT_THAT(answers_, testing::ElementsAre(-1, -1, -1));
    EXPECT_EQ(asked_, 1);
}

TEST(SingleFlight, LetsTheOthersGoIfWhoeverAskedIsDestroyed) {
    SingleFlight<std::string, int> flights;
    asio::io_context waiting;
    std::optional<Code> outcome;
    {
        asio::io_context asking;
        asio::steady_timer never(asking, asio::steady_timer::time_point::max());
        asio::co_spawn(
            asking,
            [&]() -> asio::awaitable<void> {
                const auto wait_for_ever = [&never]() -> asio::awaitable<Result<int>> {
                    co_await never.async_wait(asio::use_awaitable);
                    co_return 1;
                };
                auto flight = flights.run("a", wait_for_ever);
                auto got = co_await std::move(flight);
                ADD_FAILURE() << got.has_value();
            },
            asio::detached);
        asking.poll();
        asio::co_spawn(
            waiting,
            [&]() -> asio::awaitable<void> {
                const auto answer = []() -> asio::awaitable<Result<int>> { co_return 2; };
                auto flight = flights.run("a", answer);
                auto got = co_await std::move(flight);
                if (!got) outcome = got.error().code;
            },
            asio::detached);
        waiting.poll();
    }
    waiting.run();
    EXPECT_EQ(outcome, Code::Unavailable);
}

}  // namespace
}  // namespace sallyport::auth
