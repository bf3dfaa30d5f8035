#include "keymanager/base/clock.h"

#include <gtest/gtest.h>

namespace sallyport {
namespace {

std::string again(std::string_view text) {
    const auto time = parse_iso8601(text);
    return time ? to_iso8601(*time) : "refused";
}

TEST(Clock, ReadsWhatBarbicanReads) {
    EXPECT_EQ(again("2099-01-01T00:00:00"), "2099-01-01T00:00:00");
    EXPECT_EQ(again("2099-01-01 01:02"), "2099-01-01T01:02:00");
    EXPECT_EQ(again("2099-01-01"), "2099-01-01T00:00:00");
    EXPECT_EQ(again("2099-01-01T00:00:00Z"), "2099-01-01T00:00:00");
    EXPECT_EQ(again("2099-01-01T00:00:00.25"), "2099-01-01T00:00:00.250000");
    EXPECT_EQ(again("2099-01-01T00:00:00.1234567"), "2099-01-01T00:00:00.123456");
}

TEST(Clock, AppliesTheOffset) {
    EXPECT_EQ(again("2099-01-01T02:00:00+02:00"), "2099-01-01T00:00:00");
    EXPECT_EQ(again("2098-12-31T19:30:00-0430"), "2099-01-01T00:00:00");
    EXPECT_EQ(again("2099-01-01T05:00:00+05"), "2099-01-01T00:00:00");
}

TEST(Clock, RefusesWhatIsNoTime) {
    for (const char* text : {"", "yesterday", "2099", "2099-13-01", "2099-02-30", "2099-01-01T", "2099-01-01T24:00:00",
                             "2099-01-01T00:00:00.", "2099-01-01T00:00:00+", "2099-01-01T00:00:00 UTC",
                             "2099-01-01T00:00:00+2", "-099-01-01", "2099-01-01T00:60:00", "2099-01-01T00:00:00Zx"}) {
        EXPECT_EQ(again(text), "refused") << text;
    }
}

TEST(Clock, WritesSqlTextAsSqlAlchemyDoes) {
    EXPECT_EQ(to_sql_text(*parse_iso8601("2026-11-22T06:05:42")), "2026-11-22 06:05:42.000000");
}

}  // namespace
}  // namespace sallyport
