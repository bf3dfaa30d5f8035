#include "agent/auth/token_cache.h"

#include <gmock/gmock.h>

#include <cstring>
#include <thread>

namespace sallyport::auth {
namespace {

using namespace std::chrono_literals;

/// A digest that differs from the others in the byte that chooses the shard and in those that choose the bucket.
TokenDigest digest(std::uint32_t n) {
    TokenDigest bytes{};
    std::memcpy(bytes.data(), &n, sizeof n);
    bytes[31] = static_cast<std::byte>(n);
    return bytes;
}

TokenCache::Answer caller(const std::string& user) {
    core::Caller made;
    made.user = UserId(user);
    return std::make_shared<const core::Caller>(made);
}

const SteadyTime Now{1000s};

TEST(TokenCache, FindsWhatWasPutIn) {
    TokenCache cache(10);
    cache.put(digest(1), caller("u"), Now + 1s);
    const auto found = cache.find(digest(1), Now);
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ((*found)->user.str(), "u");
    EXPECT_FALSE(cache.find(digest(2), Now).has_value());
}

TEST(TokenCache, ForgetsAtTheDeadline) {
    TokenCache cache(10);
    cache.put(digest(1), caller("u"), Now + 1s);
    EXPECT_TRUE(cache.find(digest(1), Now + 999ms).has_value());
    EXPECT_FALSE(cache.find(digest(1), Now + 1s).has_value());
    EXPECT_EQ(cache.size(), 0U);
}

TEST(TokenCache, RemembersRefusalsApartFromNotKnowing) {
    TokenCache cache(10);
    cache.put(digest(1), nullptr, Now + 1s);
    const auto found = cache.find(digest(1), Now);
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(*found, nullptr);
}

TEST(TokenCache, ReplacesAnOlderAnswer) {
    TokenCache cache(10);
    cache.put(digest(1), caller("old"), Now + 1s);
    cache.put(digest(1), caller("new"), Now + 9s);
    EXPECT_EQ((*cache.find(digest(1), Now + 2s))->user.str(), "new");
    EXPECT_EQ(cache.size(), 1U);
}

class TokenCacheOf : public testing::TestWithParam<std::size_t> {};

TEST_P(TokenCacheOf, NeverHoldsMoreThanItsBound) {
    TokenCache cache(GetParam());
    for (std::uint32_t n = 0; n < 5000; ++n) {
        cache.put(digest(n), caller("u"), Now + 1s);
        ASSERT_LE(cache.size(), GetParam());
    }
    EXPECT_EQ(cache.size(), GetParam());
}

INSTANTIATE_TEST_SUITE_P(Bounds, TokenCacheOf, testing::Values(1, 2, 15, 16, 17, 100, 1000));

TEST(TokenCache, DropsTheOneThatWasNotAskedForLongest) {
    TokenCache cache(16 * 2);  // two in each shard
    cache.put(digest(0), caller("a"), Now + 1s);
    cache.put(digest(256), caller("b"), Now + 1s);  // the same last byte, so the same shard
    EXPECT_TRUE(cache.find(digest(0), Now).has_value());
    cache.put(digest(512), caller("c"), Now + 1s);
    EXPECT_TRUE(cache.find(digest(0), Now).has_value());
    EXPECT_FALSE(cache.find(digest(256), Now).has_value());
    EXPECT_TRUE(cache.find(digest(512), Now).has_value());
}

TEST(TokenCache, ServesManyThreadsAtOnce) {
    TokenCache cache(64);
    const auto work = [&cache](std::uint32_t seed) {
        for (std::uint32_t n = 0; n < 20000; ++n) {
            const TokenDigest token = digest((n * 7 + seed) % 200);
            if (!cache.find(token, Now)) cache.put(token, caller("u"), Now + 1s);
        }
    };
    std::thread first(work, 1);
    std::thread second(work, 2);
    first.join();
    second.join();
    EXPECT_LE(cache.size(), 64U);
}

}  // namespace
}  // namespace sallyport::auth
