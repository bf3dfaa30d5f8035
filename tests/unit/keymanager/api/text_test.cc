#include "keymanager/api/text.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace sallyport::api {
namespace {

std::string time_of(std::string_view text) {
    const auto time = parse_loose_iso8601(text);
    return time ? to_iso8601(*time) : "refused";
}

TEST(Text, DecodesPercentsAndLeavesBrokenOnes) {
    EXPECT_EQ(percent_decoded("a%20b+c", true), "a b c");
    EXPECT_EQ(percent_decoded("a%20b+c", false), "a b+c");
    EXPECT_EQ(percent_decoded("%zz%4%", true), "%zz%4%");
    EXPECT_EQ(percent_decoded("%4a%4A", false), "JJ");
}

TEST(Text, ReadsIntegersAsPythonDoes) {
    EXPECT_EQ(python_int(" +5\n"), 5);
    EXPECT_EQ(python_int("-3"), -3);
    EXPECT_EQ(python_int("1_0"), 10);
    EXPECT_EQ(python_int("99999999999999999999"), std::numeric_limits<long>::max());
    for (const char* bad : {"", " ", "+", "abc", "1__0", "_1", "1_", "1.0", "0x10"}) {
        EXPECT_FALSE(python_int(bad)) << bad;
    }
}

// What the iso8601 package of Debian 12 answers, as the installed Barbican showed.
TEST(Text, ReadsTimesAsLooselyAsBarbican) {
    EXPECT_EQ(time_of("2099"), "2099-01-01T00:00:00");
    EXPECT_EQ(time_of("2099-01"), "2099-01-01T00:00:00");
    EXPECT_EQ(time_of("2099-1-1"), "2099-01-01T00:00:00");
    EXPECT_EQ(time_of("20990101"), "2099-01-01T00:00:00");
    EXPECT_EQ(time_of("20990101T101010"), "2099-01-01T10:10:10");
    EXPECT_EQ(time_of("2099-01-01T00"), "2099-01-01T00:00:00");
    EXPECT_EQ(time_of("2099-01-01 00:30"), "2099-01-01T00:30:00");
    EXPECT_EQ(time_of("2099-01-01T00:00:00.5"), "2099-01-01T00:00:00.500000");
    EXPECT_EQ(time_of("2099-01-01T00:00:00,5"), "2099-01-01T00:00:00.500000");
    EXPECT_EQ(time_of("2099-01-01T00:00:00.123456789Z"), "2099-01-01T00:00:00.123456");
    EXPECT_EQ(time_of("2099-01-01T00:00:00+0200"), "2098-12-31T22:00:00");
    EXPECT_EQ(time_of("2099-01-01T00:00:00+02"), "2098-12-31T22:00:00");
    EXPECT_EQ(time_of("2099-01-01T10:10:10-00:30"), "2099-01-01T10:40:10");
}

TEST(Text, RefusesWhatIsNoTime) {
    for (const char* bad :
         {"", "tomorrow", "2099-01-01T", "2099-01-01T00:", "2099-01-01T00:00:00 +02:00", "2099-13-01", "2099-02-30",
          "2099-01-01T24:00:00", "2099-01-01T00:00:60", "2099-01-01T00:00:00z", "209901", "2099-W01", "10000-01-01",
          "2099-01-01T10:10:10+25:00", "9999-12-31T23:59:59-10:00", "2099-01-01T00:00:00."}) {
        EXPECT_EQ(time_of(bad), "refused") << bad;
    }
}

}  // namespace
}  // namespace sallyport::api
