#include "keymanager/base/utf8.h"

#include <gtest/gtest.h>

namespace sallyport {
namespace {

TEST(Utf8, KnowsWhatRfc3629Forbids) {
    EXPECT_TRUE(is_utf8("a\xC3\xA9\xE2\x98\x83\xF0\x9F\x94\x91"));
    for (const char* bad : {"\x80", "\xC0\xAF", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80",
                            "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80", "\xFF"}) {
        EXPECT_FALSE(is_utf8(bad));
    }
    EXPECT_EQ(code_points("\xC3\xA9\xF0\x9F\x94\x91"), 2U);
}

TEST(Trimmed, KnowsPythonsWhiteSpace) {
    EXPECT_EQ(trimmed(" \t\x1C\xC2\x85\xE2\x80\xA8 x y \xE3\x80\x80\n"), "x y");
    EXPECT_EQ(trimmed("\xE2\x80\x8B"), "\xE2\x80\x8B");  // zero width, but no white space
    EXPECT_EQ(trimmed("  "), "");
    EXPECT_EQ(trimmed_left(" \xC2\xA0 x "), "x ");
    EXPECT_EQ(trimmed_right(" x \x1F\xE3\x80\x80"), " x");
    EXPECT_EQ(trimmed_right(" \n"), "");
}

}  // namespace
}  // namespace sallyport
