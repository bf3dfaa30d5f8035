#include "keymanager/base/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace sallyport {
namespace {

Result<int> half(int n) {
    if (n % 2 != 0) return Error{Code::InvalidInput, "odd", {}};
    return n / 2;
}
Result<void> check(int n) {
    if (n < 0) return Error{Code::Refused, "negative", {}};
    return {};
}
Result<int> quarter(int n) {
    TRY(check(n));
    const int once = TRY(half(n));
    return TRY(half(once));
}

TEST(Result, TryYieldsTheValueOrLeavesWithTheError) {
    EXPECT_EQ(*quarter(12), 3);
    EXPECT_EQ(quarter(6).error().message, "odd");
    EXPECT_EQ(quarter(-4).error().code, Code::Refused);
}

TEST(Result, MovesMoveOnlyValues) {
    Result<std::unique_ptr<int>> result(std::make_unique<int>(7));
    const std::unique_ptr<int> taken = *std::move(result);
    EXPECT_EQ(*taken, 7);
}

TEST(ResultDeathTest, ValueOfAFailureStopsTheProcess) { EXPECT_DEATH(half(1).value(), "invariant broken"); }

}  // namespace
}  // namespace sallyport
