#include "keymanager/base/uuid.h"

#include <gtest/gtest.h>

#include <chrono>

namespace sallyport {
namespace {

TEST(Uuid, IsOfVersion4AndFresh) {
    const std::string uuid = random_uuid();
    EXPECT_TRUE(is_uuid(uuid)) << uuid;
    EXPECT_EQ(uuid[14], '4');
    EXPECT_NE(uuid, random_uuid());
}

TEST(Uuid, InOrderOfTimeIsOfVersion7AndFresh) {
    const std::string first = time_ordered_uuid();
    EXPECT_TRUE(is_uuid(first)) << first;
    EXPECT_EQ(first[14], '7');
    EXPECT_NE(first, time_ordered_uuid());
    // The first 48 bits are milliseconds since 1970.
    const auto now =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
    const auto made = std::stoll(first.substr(0, 8) + first.substr(9, 4), nullptr, 16);
    EXPECT_LE(made, now.count());
    EXPECT_GT(made, now.count() - 60'000);
}

TEST(Uuid, KnowsOneWhenItSeesOne) {
    EXPECT_TRUE(is_uuid("00000000-0000-0000-0000-000000000000"));
    EXPECT_TRUE(is_uuid("4EF6A0D2-c1aa-4075-8954-516b223a651e"));
    for (const char* text : {"", "00000000000000000000000000000000", "00000000-0000-0000-0000-00000000000",
                             "00000000-0000-0000-0000-00000000000g", "00000000_0000-0000-0000-000000000000"}) {
        EXPECT_FALSE(is_uuid(text)) << text;
    }
}

}  // namespace
}  // namespace sallyport
