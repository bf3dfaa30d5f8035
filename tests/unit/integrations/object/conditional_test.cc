#include "integrations/object/conditional.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "integrations/object/names.h"
#include "swift_vectors.h"

namespace sallyport::object {
namespace {

namespace json = boost::json;

std::vector<std::string> sorted_tags(const std::string& header) {
    std::vector<std::string> tags;
    for (const std::string& tag : entity_tags(header)) tags.push_back(tag == "*" ? tag : "\"" + tag + "\"");
    std::sort(tags.begin(), tags.end());
    return tags;
}

TEST(Conditional, MasksTagsAsSwiftDoes) {
    const json::array recorded = vectors::load("conditional-requests.json");
    for (const json::value& value : recorded) {
        const json::object& vector = value.as_object();
        const std::string header = vectors::text(vector, "header");
        SCOPED_TRACE(vectors::text(vector, "id") + " " + header + ": " + vectors::text(vector, "value"));
        const std::string target = vectors::text(vector, "request_path");
        RequestHead request{"GET", target, {{header, vectors::text(vector, "value")}}, {}};
        const json::value& before = vector.at("etag_is_at_before");
        if (!before.is_null()) request.headers.add(std::string(EtagIsAt), vectors::bytes(before));
        const RootSecrets secrets = vectors::root_secrets(vector.at("keymaster").as_object());
        ASSERT_TRUE(mask_conditional_tags(request, parse_target(target)->path, secrets));
        std::vector<std::string> expected;
        for (const json::value& tag : vector.at("tags_sorted").as_array()) expected.push_back(vectors::bytes(tag));
        EXPECT_EQ(sorted_tags(request.headers.value_or(header, "")), expected);
        const json::value& after = vector.at("etag_is_at");
        EXPECT_EQ(request.headers.value_or(EtagIsAt, "<none>"), after.is_null() ? "<none>" : vectors::bytes(after));
    }
    EXPECT_GT(recorded.size(), 50U);
}

TEST(Conditional, MatchesWithAndWithoutQuotes) {
    EXPECT_TRUE(matches("\"abc\", \"def\"", "def"));
    EXPECT_TRUE(matches("abc", "\"abc\""));
    EXPECT_TRUE(matches("*", "anything"));
}

TEST(Conditional, DoesNotMatchAnotherNorAWeakTag) {
    EXPECT_FALSE(matches("\"abc\"", "abcd"));
    EXPECT_FALSE(matches("W/\"abc\"", "abc"));
    EXPECT_FALSE(matches("", "abc"));
}

}  // namespace
}  // namespace sallyport::object
