#include "keymanager/api/user_metadata_body.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/keymanager/api/body.h"

namespace sallyport::api {
namespace {

std::string refusal_of(auto checked) { return checked ? "fits" : std::string(*std::move(checked).error().description); }
std::string all_of(std::string_view text) { return refusal_of(parse_user_metadata(parse_text(text)->root())); }
std::string one_of(std::string_view text) { return refusal_of(parse_user_metadatum(parse_text(text)->root())); }

TEST(UserMetadataBody, KeysBecomeLowerCase) {
    auto metadata = parse_user_metadata(parse_text(R"({"metadata": {"KeyOne": "V", "2": "x", "": "y"}})")->root());
    ASSERT_TRUE(metadata);
    EXPECT_EQ(*metadata, (model::UserMetadata{{"keyone", "V"}, {"2", "x"}, {"", "y"}}));
    auto entry = parse_user_metadatum(parse_text(R"({"key": "A-b_C", "value": ""})")->root());
    ASSERT_TRUE(entry);
    EXPECT_EQ(entry->name, "a-b_c");
}

TEST(UserMetadataBody, OfAKeyInTwoSpellingsTheOneWithCapitalsCounts) {
    for (const char* text : {R"({"metadata": {"A": "1", "a": "2"}})", R"({"metadata": {"a": "2", "A": "1"}})"}) {
        auto metadata = parse_user_metadata(parse_text(text)->root());
        ASSERT_TRUE(metadata);
        EXPECT_EQ(*metadata, (model::UserMetadata{{"a", "1"}})) << text;
    }
}

TEST(UserMetadataBody, RefusesWhatCannotBeKept) {
    const std::string long_one(256, 'k');
    EXPECT_EQ(all_of(R"({"metadata": {"a b": "x"}})"), "Invalid Key. Key must be URL safe.");
    EXPECT_EQ(all_of("{\"metadata\": {\"a\\n\": \"x\"}}"), "Invalid Key. Key must be URL safe.");
    EXPECT_EQ(all_of(R"({"metadata": {"k": 5}})"), "Invalid Metadata. Keys and Values must be Strings.");
    EXPECT_NE(all_of(R"({"metadata": {")" + long_one + R"(": "x"}})").find("is too long"), std::string::npos);
    EXPECT_NE(all_of(R"({"metadata": {"k": ")" + long_one + R"("}})").find("is too long"), std::string::npos);
    EXPECT_NE(one_of(R"({"key": "k", "value": ")" + long_one + R"("})").find("is too long"), std::string::npos);
    EXPECT_NE(one_of(R"({"key": 5, "value": 5, "more": 1})").find("('more' was unexpected)"), std::string::npos);
    EXPECT_NE(one_of(R"({"value": 5})").find("5 is not of type 'string'"), std::string::npos);
}

}  // namespace
}  // namespace sallyport::api
