#include "keymanager/api/container_body.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/keymanager/api/body.h"

namespace sallyport::api {
namespace {

constexpr std::string_view Base = "http://h:9311";

/// What is wrong with {"type": type, "secret_refs": [...]}; "fits" if nothing is.
std::string refusal_of(std::string_view type, std::string_view refs) {
    auto body = parse_text(R"({"type": ")" + std::string(type) + R"(", "secret_refs": [)" + std::string(refs) + "]}");
    auto checked = parse_container_body(body->root(), Base);
    if (checked) return "fits";
    const std::string description(*std::move(checked).error().description);
    const std::string prefix = "Provided object does not match schema 'Container': ";
    return description.starts_with(prefix) ? description.substr(prefix.size()) : description;
}
std::string ref(const std::string& name, const std::string& id) {
    return R"({"name": )" + name + R"(, "secret_ref": "http://h:9311/v1/secrets/)" + id + "\"}";
}

TEST(ContainerBody, TakesTheIdsOutOfRefs) {
    auto body = parse_text(R"({"type": "generic", "name": null, "secret_refs": [)" + ref("\"x\"", "1") + "," +
                           ref("null", "2/") + "]}");
    auto container = parse_container_body(body->root(), Base);
    ASSERT_TRUE(container);
    EXPECT_FALSE(container->name);
    EXPECT_EQ(container->secrets.at(0).name, "x");
    EXPECT_EQ(container->secrets.at(0).secret, SecretId("1"));
    EXPECT_FALSE(container->secrets.at(1).name);
    EXPECT_EQ(container->secrets.at(1).secret, SecretId("2"));
}

TEST(ContainerBody, RefusesTheSameNameOrSecretTwice) {
    EXPECT_EQ(refusal_of("generic", ref("\"a\"", "1") + "," + ref("\"a\"", "2")),
              "Duplicate reference names are not allowed. Invalid property: 'secret_refs'");
    EXPECT_EQ(refusal_of("generic", ref("\"a\"", "1") + "," + ref("\"b\"", "1")),
              "Duplicate secret ids are not allowed. Invalid property: 'secret_refs'");
    // null is one name, none is another
    EXPECT_EQ(refusal_of("generic", ref("null", "1") + R"(, {"secret_ref": "http://h:9311/v1/secrets/2"})"), "fits");
    EXPECT_EQ(refusal_of("generic", ref("null", "1") + "," + ref("null", "2")),
              "Duplicate reference names are not allowed. Invalid property: 'secret_refs'");
}

TEST(ContainerBody, RefusesRefsOfAnotherHost) {
    EXPECT_EQ(refusal_of("generic", R"({"secret_ref": "http://other/v1/secrets/1"})"),
              "Provided field value is not supported");
    EXPECT_EQ(refusal_of("generic", R"({"secret_ref": "1"})"), "Provided field value is not supported");
}

TEST(ContainerBody, KnowsWhatTypesTake) {
    const std::string pair = ref("\"public_key\"", "1") + "," + ref("\"private_key\"", "2");
    EXPECT_EQ(refusal_of("rsa", pair), "fits");
    EXPECT_EQ(refusal_of("rsa", pair + "," + ref("\"private_key_passphrase\"", "3")), "fits");
    EXPECT_NE(refusal_of("rsa", pair + "," + ref("\"intermediates\"", "3")).find("only 'private_key', 'public_key'"),
              std::string::npos);
    EXPECT_NE(refusal_of("rsa", ref("\"public_key\"", "1")).find("minimum required"), std::string::npos);
    EXPECT_EQ(refusal_of("rsa", ""), "fits");
    EXPECT_EQ(refusal_of("certificate", ref("\"certificate\"", "1") + "," + ref("\"intermediates\"", "2")), "fits");
    EXPECT_NE(refusal_of("certificate", ref("\"private_key\"", "1")).find("minimum required"), std::string::npos);
    EXPECT_NE(refusal_of("certificate", ref("\"x\"", "1")).find("or 'intermediates'"), std::string::npos);
}

TEST(ContainerBody, TellsTheFaultNearestToTheRoot) {
    auto body = parse_text(R"({"name": 5, "secret_refs": [{"name": 5}]})");
    auto checked = parse_container_body(body->root(), Base);
    ASSERT_FALSE(checked);
    EXPECT_NE(std::string(*std::move(checked).error().description).find("'type' is a required property"),
              std::string::npos);
    EXPECT_EQ(refusal_of("generic", R"(5)"), "5 is not of type 'object'. Invalid property: 'secret_refs'");
    EXPECT_EQ(refusal_of("generic", R"({"secret_ref": ""})"), "'' is too short. Invalid property: 'secret_refs'");
    EXPECT_EQ(refusal_of("generic", R"({"secret_ref": 5}, {})"),
              "'secret_ref' is a required property. Invalid property: 'secret_refs'");
}

TEST(MemberBody, RefusesWhatIsNoRef) {
    EXPECT_FALSE(parse_member_body(parse_text(R"({"secret_ref": "nonsense"})")->root()));
    EXPECT_FALSE(parse_member_body(parse_text(R"({"name": null, "secret_ref": "a/b"})")->root()));
    const auto member = parse_member_body(parse_text(R"({"name": "n", "secret_ref": "a/b"})")->root());
    ASSERT_TRUE(member);
}

}  // namespace
}  // namespace sallyport::api
