#include "keymanager/api/json.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/keymanager/api/body.h"

namespace sallyport::api {
namespace {

std::string repr_of(std::string_view text) { return std::string(python_repr(parse_text(text)->root())); }

std::string json_of(std::string_view text) {
    std::string out;
    append_json(out, parse_text(text)->root());
    return out;
}

TEST(Json, TrimsEveryStringButNoKey) {
    EXPECT_EQ(json_of(R"({" a ": "  x\n", "b": ["\u00a0y\u3000"]})"), R"({" a ": "x", "b": ["y"]})");
}

TEST(Json, KeepsTheBodyInTheArena) {
    const std::size_t before = secure_arena_usage().used;
    const auto body = parse_text("{\"payload\": \"" + std::string(5000, 's') + "\"}");
    EXPECT_GE(secure_arena_usage().used, before + 5000);
}

TEST(Json, RefusesWhatIsMalformedOrCutOff) {
    for (const char* bad : {"", "{", "nul", "{} x", "{\"a\": NaN}", R"({"a": "\ud800"})", "\xEF\xBB\xBF{}"}) {
        const auto parsed = parse_text(bad);
        ASSERT_FALSE(parsed) << bad;
        EXPECT_EQ(parsed.error().status, 400);
        EXPECT_EQ(*parsed.error().description, "Malformed JSON");
    }
    EXPECT_FALSE(parse_text("{\"a\": 1}", 7));
    EXPECT_FALSE(parse_text(std::string(65, '[') + std::string(65, ']')));
    EXPECT_EQ(*parse_text("{\"a\": \"\xFF\"}").error().description, "");
}

TEST(Json, TheLastOfTwoEqualKeysCounts) { EXPECT_EQ(json_of(R"({"a": 1, "a": 2})"), R"({"a": 2})"); }

TEST(PythonRepr, QuotesAsPythonDoes) {
    EXPECT_EQ(repr_of(R"("it's")"), R"("it's")");
    EXPECT_EQ(repr_of(R"("a\"b'c\n\u00e9\u200b")"), "'a\"b\\'c\\n\xC3\xA9\\u200b'");
    EXPECT_EQ(repr_of(R"("\u0000\u007f\ue000\ud83d\udd11")"), "'\\x00\\x7f\\ue000\xF0\x9F\x94\x91'");
    EXPECT_EQ(repr_of(R"({"a": [1, null, true, false, "x", {}]})"), "{'a': [1, None, True, False, 'x', {}]}");
}

TEST(PythonRepr, SpellsNumbersAsPythonDoes) {
    EXPECT_EQ(repr_of("1.50"), "1.5");
    EXPECT_EQ(repr_of("256.0"), "256.0");
    EXPECT_EQ(repr_of("1.0e20"), "1e+20");
    EXPECT_EQ(repr_of("1e15"), "1000000000000000.0");
    EXPECT_EQ(repr_of("1e-7"), "1e-07");
    EXPECT_EQ(repr_of("0.0001"), "0.0001");
    EXPECT_EQ(repr_of("-3"), "-3");
}

TEST(Json, WritesAsciiWithEscapes) {
    EXPECT_EQ(json_of(R"(["\u00e9", "\ud83d\udd11", "\"\\\b\f\n\r\t\u0001\/"])"),
              R"(["\u00e9", "\ud83d\udd11", "\"\\\b\f\n\r\t\u0001/"])");
}

}  // namespace
}  // namespace sallyport::api
