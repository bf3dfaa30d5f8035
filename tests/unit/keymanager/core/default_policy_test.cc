#include "keymanager/core/default_policy.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "keymanager/core/access_policy.h"

namespace sallyport::core {
namespace {

TEST(OwnPolicy, HasNoNameOfBarbicans) {
    for (const DefaultRule& rule : own_policy()) {
        EXPECT_EQ(std::ranges::find(default_policy(), rule.name, &DefaultRule::name), default_policy().end());
        EXPECT_EQ(find_default_rule(rule.name)->check, rule.check);
        EXPECT_FALSE(rule.about.empty());
    }
    EXPECT_EQ(find_default_rule("secret:explode"), nullptr);
}

TEST(OwnPolicy, LetsTheOperatorsOfAllProjectsInUnderBothSetsOfDefaults) {
    const Caller operators{UserId("u"), ProjectId("node"), {"key-manager:service-admin"}, ""};
    const Caller deployment{UserId("u"), ProjectId(""), {"admin"}, "all"};
    const Caller admin{UserId("u"), ProjectId("p"), {"admin"}, ""};
    const Caller creator{UserId("u"), ProjectId("p"), {"creator", "member"}, ""};
    Target target;
    target.set("target.secret.project_id", "p");
    for (const bool new_defaults : {false, true}) {
        const AccessPolicy policy = *AccessPolicy::load("", new_defaults);
        for (const char* action : {"secret:undelete", "project:remove"}) {
            EXPECT_TRUE(policy.allows(action, operators, target)) << action;
            EXPECT_TRUE(policy.allows(action, deployment, target)) << action;
            EXPECT_FALSE(policy.allows(action, creator, target)) << action;
        }
        EXPECT_TRUE(policy.allows("secret:undelete", admin, target));
        EXPECT_FALSE(policy.allows("project:remove", admin, target));
    }
    Target others;
    others.set("target.secret.project_id", "q");
    EXPECT_FALSE(AccessPolicy::load("", false)->allows("secret:undelete", admin, others));
}

}  // namespace
}  // namespace sallyport::core
