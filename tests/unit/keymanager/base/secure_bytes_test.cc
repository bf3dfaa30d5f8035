#include "keymanager/base/secure_bytes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "keymanager/base/bytes.h"

namespace sallyport {
namespace {

TEST(SecureBytes, MovesInsteadOfCopying) {
    auto made = SecureBytes::copy_of(bytes_of("abc"));
    SecureBytes first = *std::move(made);
    const std::byte* where = first.reveal().data();
    const SecureBytes second = std::move(first);
    EXPECT_EQ(second.reveal().data(), where);
    EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): moved-from is empty by contract
    EXPECT_EQ(text_of(second.reveal()), "abc");
}

TEST(SecureBytes, TruncateWipesTheTail) {
    auto made = SecureBytes::copy_of(bytes_of("abcdef"));
    const std::byte* data = made->reveal().data();
    made->truncate(2);
    EXPECT_EQ(text_of(made->reveal()), "ab");
    EXPECT_TRUE(std::all_of(data + 2, data + 6, [](std::byte b) { return b == std::byte{0}; }));
}

TEST(SecureBytes, ComesZeroedAndGivesItsMemoryBack) {
    const std::size_t before = secure_arena_usage().used;
    {
        const auto made = SecureBytes::of_size(1000);
        EXPECT_TRUE(std::ranges::all_of(made->reveal(), [](std::byte b) { return b == std::byte{0}; }));
        EXPECT_GE(secure_arena_usage().used, before + 1000);
    }
    EXPECT_EQ(secure_arena_usage().used, before);
}

TEST(SecureBytes, AFullArenaIsAnErrorAndNoFallBack) {
    const auto made = SecureBytes::of_size(secure_arena_usage().size * 2);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::Overloaded);
}

TEST(SecureBytes, ComparesLengthAndEveryByte) {
    EXPECT_TRUE(equal_in_constant_time(bytes_of("abc"), bytes_of("abc")));
    EXPECT_TRUE(equal_in_constant_time({}, {}));
    EXPECT_FALSE(equal_in_constant_time(bytes_of("abc"), bytes_of("abd")));
    EXPECT_FALSE(equal_in_constant_time(bytes_of("abc"), bytes_of("ab")));
}

TEST(SecureMemoryResource, ServesContainersFromTheArena) {
    const std::size_t before = secure_arena_usage().used;
    {
        std::pmr::string text(500, 'x', secure_memory_resource());
        EXPECT_GE(secure_arena_usage().used, before + 500);
    }
    EXPECT_EQ(secure_arena_usage().used, before);
}

TEST(SecureArena, IsLockedAndOpensOnce) {
    EXPECT_TRUE(secure_arena_usage().locked);
    EXPECT_FALSE(open_secure_arena({}));
}

}  // namespace
}  // namespace sallyport
