#include "keymanager/crypto/random.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>

#include "keymanager/base/codec.h"

namespace sallyport::crypto {
namespace {

TEST(Random, NeverRepeatsItself) {
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i) {
        std::array<std::byte, 16> bytes{};
        ASSERT_TRUE(fill_random(bytes));
        seen.insert(to_hex(bytes));
        seen.insert(to_hex(random_secret(16)->reveal()));
    }
    EXPECT_EQ(seen.size(), 200u);
}

TEST(Random, GivesAsMuchAsIsAsked) {
    EXPECT_EQ(random_secret(0)->size(), 0u);
    EXPECT_EQ(random_secret(33)->size(), 33u);
}

TEST(Random, OfMoreThanTheArenaHoldsIsAnError) {
    const auto bytes = random_secret(secure_arena_usage().size * 2);
    ASSERT_FALSE(bytes);
    EXPECT_EQ(bytes.error().code, Code::Overloaded);
}

}  // namespace
}  // namespace sallyport::crypto
