#include "keymanager/core/policy_expression.h"

#include <gtest/gtest.h>

#include <string>

namespace sallyport::core {
namespace {

using Kind = PolicyExpression::Kind;

Result<PolicyExpression> parse(const std::string& text) { return parse_policy_expression({text, {}, false}); }

std::string complaint_about(const std::string& text) {
    const auto parsed = parse(text);
    return parsed ? "it parses" : parsed.error().message;
}

TEST(PolicyExpression, BindsAndTighterThanOr) {
    const auto parsed = parse("role:a or role:b and role:c");
    ASSERT_TRUE(parsed);
    ASSERT_EQ(parsed->kind, Kind::Or);
    ASSERT_EQ(parsed->children.size(), 2U);
    EXPECT_EQ(parsed->children[0].kind, Kind::Role);
    EXPECT_EQ(parsed->children[1].kind, Kind::And);
}

TEST(PolicyExpression, KeepsTheParenthesesOfAttributesInsideTheCheck) {
    const auto parsed = parse("(project_id:%(target.order.project_id)s)");
    ASSERT_TRUE(parsed);
    ASSERT_EQ(parsed->kind, Kind::Attribute);
    EXPECT_EQ(parsed->left, "project_id");
    ASSERT_EQ(parsed->right.parts.size(), 1U);
    EXPECT_TRUE(parsed->right.parts[0].is_attribute);
    EXPECT_EQ(parsed->right.parts[0].text, "target.order.project_id");
}

TEST(PolicyExpression, TellsLiteralsFromAttributesOfTheCaller) {
    EXPECT_EQ(parse("'read':%(x)s")->kind, Kind::Literal);
    EXPECT_EQ(parse("True:%(x)s")->kind, Kind::Literal);
    EXPECT_EQ(parse("12:12")->kind, Kind::Literal);
    EXPECT_EQ(parse("user_id:%(x)s")->kind, Kind::Attribute);
    EXPECT_EQ(parse("true:%(x)s")->kind, Kind::Attribute);
}

TEST(PolicyExpression, SaysWhereAndWhatItExpected) {
    EXPECT_EQ(complaint_about("role:a and"), "character 11: expected a check, `not` or '('");
    EXPECT_EQ(complaint_about("role:a role:b"), "character 8: expected `and`, `or` or the end");
    EXPECT_EQ(complaint_about("(role:a"), "character 8: expected ')'");
    EXPECT_EQ(complaint_about("admin"), "character 1: expected a check, such as role:admin");
    EXPECT_EQ(complaint_about("user_id:%(x"), "character 9: expected %(name)s or %%");
    EXPECT_EQ(complaint_about("user_id:50%"), "character 11: expected %(name)s or %%");
    EXPECT_EQ(complaint_about("'a:b"), "character 1: expected a quoted word without escapes");
    EXPECT_EQ(complaint_about("a@b:c"), "character 1: expected the name of an attribute, or a literal, before ':'");
    EXPECT_EQ(complaint_about("http://policy.example/%(x)s"),
              "character 1: expected a check that needs no remote server");
}

TEST(PolicyExpression, RefusesNestingThatNoPersonWrites) {
    std::string deep(1000, '(');
    deep += "@" + std::string(1000, ')');
    EXPECT_NE(complaint_about(deep).find("expected less nesting"), std::string::npos);
    std::string negated = "@";
    for (int i = 0; i < 1000; ++i) negated = "not " + negated;
    EXPECT_NE(complaint_about(negated).find("expected less nesting"), std::string::npos);
}

}  // namespace
}  // namespace sallyport::core
