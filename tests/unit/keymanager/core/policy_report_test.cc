#include "keymanager/core/policy_report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>

#include "keymanager/core/default_policy.h"

namespace sallyport::core {
namespace {

AccessPolicy load(const std::string& overrides, bool new_defaults = false) {
    auto policy = AccessPolicy::load(overrides, new_defaults);
    EXPECT_TRUE(policy) << policy.error().message;
    return *std::move(policy);
}

/// The sample with every default's mark taken away, as an operator would edit it.
std::string uncommented(const std::string& sample) {
    std::stringstream lines(sample);
    std::string line;
    std::string text;
    while (std::getline(lines, line)) text += (line.starts_with("#\"") ? line.substr(1) : line) + "\n";
    return text;
}

bool same_rules(const AccessPolicy& a, const AccessPolicy& b) {
    return std::ranges::equal(a.rules(), b.rules(), [](const PolicyRule& x, const PolicyRule& y) {
        return x.name == y.name && x.check == y.check;
    });
}

TEST(PolicyReport, AnswersForTheObjectThatIsDescribed) {
    const AccessPolicy policy = load("");
    EXPECT_TRUE(answer(policy, "secret:get", {.roles = {"observer"}}));
    EXPECT_FALSE(answer(policy, "secret:get", {.roles = {"observer"}, .is_private = true}));
    EXPECT_FALSE(answer(policy, "secret:get", {.roles = {"observer"}, .foreign = true}));
    EXPECT_TRUE(answer(policy, "secret:get", {.roles = {}, .is_private = true, .listed = true, .foreign = true}));
    EXPECT_FALSE(answer(policy, "container:delete", {.roles = {"creator"}}));
    EXPECT_TRUE(answer(policy, "container:delete", {.roles = {"creator"}, .own = true}));
    EXPECT_TRUE(answer(policy, "secret_acls:put_patch", {.roles = {"creator"}, .is_private = true}));
    EXPECT_FALSE(answer(policy, "secret_meta:put", {.roles = {"creator"}, .is_private = true}));
    EXPECT_FALSE(answer(policy, "no:such", {.roles = {"admin"}}));
}

TEST(PolicyReport, AnAdminIsAMemberAndAMemberIsAReader) {
    EXPECT_EQ(with_implied_roles({"admin"}), (std::vector<std::string>{"admin", "member", "reader"}));
    EXPECT_EQ(with_implied_roles({"member"}), (std::vector<std::string>{"member", "reader"}));
    EXPECT_EQ(with_implied_roles({"creator"}), (std::vector<std::string>{"creator"}));
    EXPECT_TRUE(answer(load("", true), "secrets:post", {.roles = {"admin"}}));
    EXPECT_FALSE(answer(load("", true), "secrets:post", {.roles = {"reader"}}));
}

TEST(PolicyReport, NamesTheRolesThatARuleLetsIn) {
    const AccessPolicy old_policy = load("");
    EXPECT_EQ(policy_effect(old_policy, "secrets:post"), "admin, creator");
    EXPECT_EQ(policy_effect(old_policy, "container:delete"), "admin, creator (own)");
    EXPECT_EQ(policy_effect(old_policy, "project_quotas:put"), "key-manager:service-admin");
    EXPECT_EQ(policy_effect(old_policy, "secret:decrypt"), "admin, creator, observer, access list");
    const AccessPolicy new_policy = load("", true);
    EXPECT_EQ(policy_effect(new_policy, "project_quotas:get"), "admin (system), member (system), reader (system)");
    EXPECT_EQ(policy_effect(new_policy, "secret:delete"), "admin, member");
    EXPECT_EQ(policy_effect(load("secret:delete: '!'\n"), "secret:delete"), "nobody");
    EXPECT_EQ(policy_effect(load("secret:delete: not role:x\n"), "secret:delete").find("x,"), std::string::npos);
    EXPECT_EQ(policy_effect(load("secret:delete: (role:keeper)\n"), "secret:delete"), "keeper");
}

TEST(PolicyReport, FindsRulesThatNothingUses) {
    EXPECT_TRUE(idle_rules(load("")).empty());
    EXPECT_TRUE(idle_rules(load("keeper: role:keeper\nsecret:get: rule:admin or (not rule:keeper)\n")).empty());
    EXPECT_EQ(idle_rules(load("secret:gett: '@'\n")), std::vector<std::string>{"secret:gett"});
}

TEST(PolicyReport, TheSampleChangesNothingAsItIsAndNothingWhenItIsUncommented) {
    for (const bool new_defaults : {false, true}) {
        const AccessPolicy defaults = load("", new_defaults);
        const std::string sample = policy_sample(new_defaults);
        EXPECT_TRUE(same_rules(load(sample, new_defaults), defaults));
        EXPECT_TRUE(same_rules(load(uncommented(sample), new_defaults), defaults));
        // Over the other defaults the uncommented sample brings its own rules with it.
        EXPECT_TRUE(same_rules(load(uncommented(sample), !new_defaults), defaults));
        for (const DefaultRule& rule : default_policy()) {
            EXPECT_NE(sample.find("\n#\"" + std::string(rule.name) + "\": \""), std::string::npos) << rule.name;
        }
    }
    EXPECT_NE(policy_sample(false).find("# Read a secret's payload.\n# GET  /v1/secrets/{secret-id}/payload\n"
                                        "# Intended scope(s): project\n#\"secret:decrypt\": "),
              std::string::npos);
}

TEST(PolicyReport, TheRulesInForceReadBackAsTheSamePolicy) {
    const AccessPolicy written = load(
        "keeper: role:keeper\n"
        "secret:get: rule:keeper or \"ab\":%(x)s\n"
        "secret:put: []\n"
        "secret:delete: [[]]\n"
        "secrets:get: [[rule:keeper, role:x], role:y]\n");
    const AccessPolicy read = load(policy_file_of(written));
    EXPECT_TRUE(same_rules(read, written));
    EXPECT_NE(policy_file_of(written).find("\"secret:get\": \"rule:keeper or \\\"ab\\\":%(x)s\"\n"), std::string::npos);
}

}  // namespace
}  // namespace sallyport::core
