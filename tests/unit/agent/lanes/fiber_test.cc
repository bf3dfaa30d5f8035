#include "agent/lanes/fiber.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "keymanager/base/log.h"

namespace sallyport::lanes {
namespace {

TEST(Fiber, GoesOnWhereItLeft) {
    std::vector<int> seen;
    std::unique_ptr<Fiber> fiber;
    fiber = std::make_unique<Fiber>([&] {
        for (int i = 1;; ++i) {
            seen.push_back(i);
            fiber->leave();
        }
    });
    EXPECT_TRUE(seen.empty());
    fiber->enter();
    fiber->enter();
    EXPECT_EQ(seen, (std::vector{1, 2}));
}

TEST(Fiber, SeveralTakeTurnsOnOneThread) {
    std::vector<int> seen;
    std::vector<std::unique_ptr<Fiber>> fibers(3);
    for (int number = 0; number < 3; ++number) {
        auto& mine = fibers[static_cast<std::size_t>(number)];
        mine = std::make_unique<Fiber>([&seen, &mine, number] {
            for (int round = 0;; ++round) {
                seen.push_back(10 * round + number);
                mine->leave();
            }
        });
    }
    for (int round = 0; round < 2; ++round) {
        for (auto& fiber : fibers) fiber->enter();
    }
    EXPECT_EQ(seen, (std::vector{0, 1, 2, 10, 11, 12}));
}

TEST(Fiber, ExceptionsStayInside) {
    bool caught = false;
    std::unique_ptr<Fiber> fiber;
    fiber = std::make_unique<Fiber>([&] {
        for (;;) {
            try {
                throw std::runtime_error("inside");
            } catch (const std::exception&) {
                caught = true;
            }
            fiber->leave();
        }
    });
    fiber->enter();
    EXPECT_TRUE(caught);
}

TEST(Fiber, TakesTheRequestOfItsLogLinesWithIt) {
    std::vector<std::string> seen;
    std::unique_ptr<Fiber> one, other;
    const auto serve = [&seen](std::unique_ptr<Fiber>& mine, std::string_view request) {
        return std::make_unique<Fiber>([&seen, &mine, request] {
            for (;;) {
                {
                    const LogScope scope(request);
                    mine->leave();
                    seen.emplace_back(LogScope::current());
                }
                seen.emplace_back(LogScope::current());
                mine->leave();
            }
        });
    };
    one = serve(one, "req-1");
    other = serve(other, "req-2");
    one->enter();
    other->enter();
    EXPECT_EQ(LogScope::current(), "");
    // They end in the order in which they began, not in the opposite one.
    one->enter();
    other->enter();
    EXPECT_EQ(seen, (std::vector<std::string>{"req-1", "", "req-2", ""}));
    EXPECT_EQ(LogScope::current(), "");
}

}  // namespace
}  // namespace sallyport::lanes
