#include "integrations/object/text.h"

#include <gtest/gtest.h>

#include <string>

namespace sallyport::object {
namespace {

std::string every_byte() {
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
    return bytes;
}

// What Python's json.dumps makes of the same text.
TEST(JsonAscii, EscapesWhatPythonEscapes) {
    const auto written = json_ascii(
        "a\x7f"
        "b~ \x1f\"\\\b\f\n\r\t/\xc3\xbc\xf0\x9f\x98\x80\xe2\x82\xac");
    ASSERT_TRUE(written);
    EXPECT_EQ(*written, R"("a\u007fb~ \u001f\"\\\b\f\n\r\t/\u00fc\ud83d\ude00\u20ac")");
}

TEST(JsonAscii, RefusesWhatIsNoText) {
    for (const char* bytes : {"\xff", "abcdefgh\xc3", "\xc0\x80", "\xed\xa0\x80"}) EXPECT_FALSE(json_ascii(bytes));
}

// What Python's urllib.parse.quote_plus makes of the same bytes.
TEST(FormQuoting, KeepsWhatPythonKeeps) {
    const std::string quoted = form_quoted(every_byte());
    const std::string kept = "-.0123456789";
    EXPECT_TRUE(quoted.starts_with("%00%01%02"));
    EXPECT_NE(quoted.find("%1F+%21%22%23%24%25%26%27%28%29%2A%2B%2C" + kept.substr(0, 2) + "%2F0123456789%3A"),
              std::string::npos);
    EXPECT_NE(quoted.find("%40ABCDEFGHIJKLMNOPQRSTUVWXYZ%5B%5C%5D%5E_%60abcdefghijklmnopqrstuvwxyz%7B%7C%7D~%7F%80"),
              std::string::npos);
    EXPECT_TRUE(quoted.ends_with("%FE%FF"));
}

TEST(FormQuoting, IsUndone) {
    EXPECT_EQ(form_unquoted(form_quoted(every_byte())), every_byte());
    EXPECT_EQ(percent_decoded(percent_encoded(every_byte(), "/+")), every_byte());
    EXPECT_EQ(form_unquoted("a+b%2bc%2Bd"), "a b+c+d");
    EXPECT_EQ(percent_decoded("a+b%2b"), "a+b+");
}

TEST(FormQuoting, LeavesStrayPercentSignsAlone) {
    for (const char* stray : {"%", "%4", "%4g", "%g4", "a%", "%%%", "%\xff\xff"})
        EXPECT_EQ(percent_decoded(stray), stray);
    EXPECT_EQ(percent_decoded("%%41"), "%A");
}

TEST(Latin1, CarriesEveryByteThroughText) {
    // Shifted along, so that bytes beyond ASCII stand at every place of a word of eight.
    for (std::size_t shift = 0; shift < 9; ++shift) {
        const std::string bytes = std::string(shift, 'x') + every_byte() + "tail";
        const std::string text = latin1_as_utf8(bytes);
        EXPECT_TRUE(is_utf8(text));
        const auto back = utf8_as_latin1(text);
        ASSERT_TRUE(back);
        EXPECT_EQ(*back, bytes);
    }
}

TEST(Latin1, RefusesTextThatIsNotBytes) {
    for (const char* text : {"\xe2\x82\xac", "abcdefghijkl\xc4\x80", "ab\xff", "\xc3"})
        EXPECT_FALSE(utf8_as_latin1(text));
}

TEST(Utf8, IsKnownFromWhatIsNot) {
    for (const char* text : {"", "plain and long enough for a word", "\xc3\xbc", "eight...\xf0\x9f\x98\x80"}) {
        EXPECT_TRUE(is_utf8(text));
    }
    for (const char* bytes : {"\x80", "eight...\xc3", "\xf5\x80\x80\x80", "\xe0\x80\x80", "\xed\xbf\xbf"}) {
        EXPECT_FALSE(is_utf8(bytes));
    }
}

}  // namespace
}  // namespace sallyport::object
