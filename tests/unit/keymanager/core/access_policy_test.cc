#include "keymanager/core/access_policy.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "keymanager/core/default_policy.h"
#include "tests/vectors/vectors.h"

namespace sallyport::core {
namespace {

namespace json = boost::json;

/// Recorded from the installed oslo.policy and Barbican: tests/vectors/policy/make_policy_vectors.py.
const json::value& recorded(const std::string& name) {
    static std::map<std::string, json::value> files;
    const auto found = files.find(name);
    if (found != files.end()) return found->second;
    std::ifstream file(vectors_path("policy/" + std::string(name)));
    std::stringstream text;
    text << file.rdbuf();
    return files.emplace(name, json::parse(text.str())).first->second;
}

std::string text_at(const json::value& object, const char* key) { return object.at(key).as_string().c_str(); }

Caller caller_of(const json::value& recorded_caller) {
    Caller caller{UserId(text_at(recorded_caller, "user_id")),
                  ProjectId(text_at(recorded_caller, "project_id")),
                  {},
                  text_at(recorded_caller, "system_scope")};
    for (const json::value& role : recorded_caller.at("roles").as_array()) caller.roles.emplace_back(role.as_string());
    return caller;
}

Target target_of(const json::value& recorded_target) {
    Target target;
    for (const auto& [name, value] : recorded_target.as_object()) target.set(name, std::string_view(value.as_string()));
    return target;
}

AccessPolicy load(const std::string& overrides, bool new_defaults = false) {
    auto policy = AccessPolicy::load(overrides, new_defaults);
    EXPECT_TRUE(policy) << policy.error().message;
    return *std::move(policy);
}

TokenScope scope_of(const json::value& scopes) {
    if (scopes.is_null()) return TokenScope::Unchecked;
    const std::string text = json::serialize(scopes);
    if (text == R"(["project"])") return TokenScope::Project;
    if (text == R"(["system"])") return TokenScope::System;
    EXPECT_EQ(text, R"(["project","system"])");
    return TokenScope::Both;
}

TEST(AccessPolicy, HoldsExactlyTheRulesThatBarbicanRegisters) {
    const json::array& rules = recorded("defaults.json").at("rules").as_array();
    ASSERT_EQ(default_policy().size(), rules.size());
    for (std::size_t i = 0; i < rules.size(); ++i) {
        EXPECT_EQ(default_policy()[i].name, text_at(rules[i], "name"));
        EXPECT_EQ(default_policy()[i].check, text_at(rules[i], "check"));
        const json::value& old_check = rules[i].at("old_check");
        EXPECT_EQ(default_policy()[i].old_check, old_check.is_null() ? "" : std::string(old_check.as_string()));
        EXPECT_EQ(default_policy()[i].scope, scope_of(rules[i].at("scopes"))) << default_policy()[i].name;
    }
}

TEST(AccessPolicy, AnswersAsOsloPolicyDoesForEveryDefaultRule) {
    const json::value& matrix = recorded("answers.json").at("defaults");
    for (const bool new_defaults : {false, true}) {
        const AccessPolicy policy = load("", new_defaults);
        const json::object& answers = matrix.at("answers").at(new_defaults ? "new" : "old").as_object();
        ASSERT_EQ(answers.size() + own_policy().size(), policy.rules().size());
        for (const auto& [name, recorded_bits] : answers) {
            std::string bits;
            for (const json::value& caller : matrix.at("callers").as_array()) {
                for (const json::value& target : matrix.at("targets").as_array()) {
                    bits += policy.allows(name, caller_of(caller), target_of(target)) ? '1' : '0';
                }
            }
            EXPECT_EQ(bits, std::string_view(recorded_bits.as_string())) << std::string_view(name);
        }
    }
}

TEST(AccessPolicy, AnswersAsOsloPolicyDoesForEveryExpression) {
    const json::value& expressions = recorded("answers.json").at("expressions");
    json::object file = expressions.at("helpers").as_object();
    for (const json::value& entry : expressions.at("rules").as_array()) {
        const std::string rule = json::serialize(entry.at("rule"));
        file["x"] = entry.at("rule");
        const auto policy = AccessPolicy::load(json::serialize(file), false);
        const json::value& answers = entry.at("answers");
        if (answers.is_null()) {
            // oslo.policy cannot evaluate these; they must not allow anything here either.
            EXPECT_TRUE(!policy || !policy->allows("x", {}, {})) << rule;
            continue;
        }
        ASSERT_TRUE(policy) << rule << ": " << policy.error().message;
        std::size_t i = 0;
        for (const json::value& caller : expressions.at("callers").as_array()) {
            for (const json::value& target : expressions.at("targets").as_array()) {
                EXPECT_EQ(policy->allows("x", caller_of(caller), target_of(target)), answers.at(i++).as_bool()) << rule;
            }
        }
    }
}

TEST(AccessPolicy, RefusesAnUnknownAction) {
    const AccessPolicy policy = load("");
    EXPECT_FALSE(policy.allows("secret:explode", Caller{UserId("u"), ProjectId("p"), {"admin"}, "all"}, {}));
}

TEST(AccessPolicy, LetsTokensOfTheWrongScopeInNowhereUnderTheNewDefaults) {
    const Caller project{UserId("u"), ProjectId("p"), {"admin", "member", "reader"}, {}};
    const Caller system{UserId("u"), ProjectId(), {"admin", "member", "reader"}, "all"};
    const Caller domain{UserId("u"), ProjectId(), {"admin", "member", "reader"}, {}};
    const AccessPolicy policy = load("", true);
    EXPECT_TRUE(policy.allows("secrets:post", project, {}));
    EXPECT_FALSE(policy.allows("secrets:post", system, {}));
    EXPECT_FALSE(policy.allows("secrets:post", domain, {}));
    EXPECT_TRUE(policy.allows("project_quotas:put", system, {}));
    EXPECT_FALSE(policy.allows("project_quotas:put", project, {}));
    EXPECT_TRUE(policy.allows("secretstores:get", system, {}));
    EXPECT_FALSE(policy.allows("secretstores:get", domain, {}));
    // An override changes who may, not with which kind of token.
    EXPECT_FALSE(load("secrets:post: '@'\n", true).allows("secrets:post", system, {}));
    EXPECT_TRUE(load("secrets:post: '@'\n", false).allows("secrets:post", system, {}));
}

TEST(AccessPolicy, ShowsTheOlderListSyntaxInTheNewerOne) {
    const auto shown = [](const std::string& list) {
        const AccessPolicy policy = load("x: " + list + "\nsecret:get: rule:x\n");
        for (const PolicyRule& rule : policy.rules()) {
            if (rule.name == "x") return rule.check;
        }
        return std::string("missing");
    };
    EXPECT_EQ(shown("[]"), "@");
    EXPECT_EQ(shown("[[]]"), "!");
    EXPECT_EQ(shown("[[role:a, role:b], role:c]"), "(role:a and role:b) or (role:c)");
}

TEST(AccessPolicy, AnOverrideReplacesTheRuleAndReachesThoseThatUseIt) {
    const Caller keeper{UserId("u"), ProjectId("p"), {"keeper"}, {}};
    const Caller creator{UserId("u"), ProjectId("p"), {"creator"}, {}};
    EXPECT_FALSE(load("").allows("secrets:post", keeper, {}));
    const AccessPolicy policy = load("creator: rule:keeper\nkeeper: role:keeper\n");
    EXPECT_TRUE(policy.allows("secrets:post", keeper, {}));
    EXPECT_FALSE(policy.allows("secrets:post", creator, {}));
}

TEST(AccessPolicy, AnOverrideMayReadTheSettingOfTheDefaults) {
    const std::string file = "secrets:post: True:%(enforce_new_defaults)s\n";
    const Caller caller{UserId("u"), ProjectId("p"), {}, {}};
    EXPECT_FALSE(load(file, false).allows("secrets:post", caller, {}));
    EXPECT_TRUE(load(file, true).allows("secrets:post", caller, {}));
}

TEST(AccessPolicy, SaysWhatIsWrongWithAnOverride) {
    const auto complaint = [](const std::string& file) {
        const auto policy = AccessPolicy::load(file, false);
        return policy ? "it loads" : policy.error().message;
    };
    EXPECT_EQ(complaint("secret:get: role:a and\n"),
              "policy rule 'secret:get', character 11: expected a check, `not` or '('");
    EXPECT_EQ(complaint("secret:get: rule:nobody\n"), "policy rule 'secret:get': there is no rule 'nobody'");
    EXPECT_NE(complaint("a: rule:b\nb: not rule:a\n").find("refers to itself"), std::string::npos);
    EXPECT_NE(complaint("a: rule:a\n").find("policy rule 'a' refers to itself"), std::string::npos);
}

TEST(AccessPolicy, RefusesRulesThatWouldTakeForEver) {
    std::string doubling = "r0: '@'\n";
    for (int i = 1; i < 60; ++i) {
        const std::string below = "rule:r" + std::to_string(i - 1);
        doubling += "r" + std::to_string(i) + ": " + below + " and " + below + "\n";
    }
    EXPECT_FALSE(AccessPolicy::load(doubling, false));
    std::string chain = "r0: '@'\n";
    for (int i = 1; i < 5000; ++i) chain += "r" + std::to_string(i) + ": rule:r" + std::to_string(i - 1) + "\n";
    EXPECT_FALSE(AccessPolicy::load(chain, false));
}

}  // namespace
}  // namespace sallyport::core
