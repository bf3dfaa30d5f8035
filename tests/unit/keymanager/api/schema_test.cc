#include "keymanager/api/schema.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "tests/unit/keymanager/api/body.h"

namespace sallyport::api {
namespace {

constexpr std::array<std::string_view, 2> Words{"a", "b"};
const std::array Properties{
    Property{"name", Property::Type::StringOrNull, 3, {}},
    Property{"word", Property::Type::String, 0, Words},
    Property{"size", Property::Type::Integer, 0, {}, 1, 10},
    Property{"meta", Property::Type::Object, 0, {}, {}, {}, true},
};

std::string refusal_of(std::string_view text) {
    auto body = parse_text(text);
    auto checked = check_schema(body->root(), "S", Properties);
    if (checked) return "fits";
    const std::string description(*std::move(checked).error().description);
    const std::string prefix = "Provided object does not match schema 'S': ";
    return description.substr(prefix.size());
}

TEST(Schema, TakesWhatFits) {
    EXPECT_EQ(refusal_of(R"({"meta": {}, "name": null, "word": "b", "size": 10.0, "other": []})"), "fits");
}

TEST(Schema, RefusesInTheWordsOfBarbican) {
    EXPECT_EQ(refusal_of("[]"), "[] is not of type 'object'. Invalid property: 'None'");
    EXPECT_EQ(refusal_of("{}"), "'meta' is a required property. Invalid property: 'meta'");
    EXPECT_EQ(refusal_of(R"({"meta": {}, "name": 5})"), "5 is not of type 'string', 'null'. Invalid property: 'name'");
    EXPECT_EQ(refusal_of(R"({"meta": {}, "name": "abcd"})"), "'abcd' is too long. Invalid property: 'name'");
    EXPECT_EQ(refusal_of(R"({"meta": {}, "word": "c"})"), "'c' is not one of ['a', 'b']. Invalid property: 'word'");
    EXPECT_EQ(refusal_of(R"({"meta": {}, "size": 0})"), "0 is less than the minimum of 1. Invalid property: 'size'");
    EXPECT_EQ(refusal_of(R"({"meta": {}, "size": 1e30})"),
              "1e+30 is greater than the maximum of 10. Invalid property: 'size'");
    EXPECT_EQ(refusal_of(R"({"meta": {}, "size": true})"), "True is not of type 'integer'. Invalid property: 'size'");
    EXPECT_EQ(refusal_of(R"({"meta": {}, "size": 1.5})"), "1.5 is not of type 'integer'. Invalid property: 'size'");
}

TEST(Schema, PrefersAWrongTypeOverAnyOtherFault) {
    EXPECT_EQ(refusal_of(R"({"name": "too long", "size": "x"})"),
              "'x' is not of type 'integer'. Invalid property: 'size'");
}

TEST(Schema, CountsCodePointsNotBytes) {
    EXPECT_EQ(refusal_of(R"({"meta": {}, "name": "\u00e9\u00e9\u00e9"})"), "fits");
}

constexpr std::array<std::string_view, 1> Required{"list"};
const std::array InnerProperties{Property{"n", Property::Type::Integer, 0, {}}};
const ObjectSchema Inner{InnerProperties, Required, true};
const std::array OuterProperties{
    Property{"word", Property::Type::String, 0, {}, {}, {}, false, 1},
    Property{"list", Property::Type::Array, 0, {}, {}, {}, false, 0, &Inner},
};
const ObjectSchema Outer{OuterProperties, Required, true};

std::string nested_refusal_of(std::string_view text) {
    auto body = parse_text(text);
    auto checked = check_schema(body->root(), "S", Outer);
    if (checked) return "fits";
    const std::string description(*std::move(checked).error().description);
    return description.substr(std::string("Provided object does not match schema 'S': ").size());
}

TEST(Schema, LooksIntoObjectsAndLists) {
    EXPECT_EQ(nested_refusal_of(R"({"list": [{"list": 1}, {"n": 5, "list": 2}]})"),
              "Additional properties are not allowed ('list' was unexpected). Invalid property: 'list'");
    EXPECT_EQ(nested_refusal_of(R"({"list": [{"n": "x"}]})"),
              "'list' is a required property. Invalid property: 'list'");
    EXPECT_EQ(nested_refusal_of(R"({"list": [5]})"), "5 is not of type 'object'. Invalid property: 'list'");
    EXPECT_EQ(nested_refusal_of(R"({"list": []})"), "fits");
}

TEST(Schema, TellsTheFaultNearestToTheRoot) {
    EXPECT_EQ(nested_refusal_of(R"({"word": 5})"), "'list' is a required property. Invalid property: 'None'");
    EXPECT_EQ(nested_refusal_of(R"({"word": "", "list": [5]})"), "'' is too short. Invalid property: 'word'");
    EXPECT_EQ(nested_refusal_of(R"({"word": "", "list": 5})"), "5 is not of type 'array'. Invalid property: 'list'");
    EXPECT_EQ(nested_refusal_of(R"({"word": 5, "list": 5, "a": 1, "b": 2})"),
              "Additional properties are not allowed ('a', 'b' were unexpected). Invalid property: 'None'");
}

}  // namespace
}  // namespace sallyport::api
