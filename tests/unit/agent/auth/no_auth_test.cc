#include "agent/auth/no_auth.h"

#include <gmock/gmock.h>

#include "tests/unit/agent/auth/run_coroutine.h"

namespace sallyport::auth {
namespace {

using testing::ElementsAre;

Result<core::Caller> believed(std::vector<api::Header> headers) {
    api::Request request;
    request.headers = std::move(headers);
    return run_coroutine(make_no_auth()->authenticate(request, {}));
}

TEST(NoAuth, BelievesProjectRolesAndUser) {
    const auto caller = believed({{"x-project-id", "p"}, {"X-Roles", "creator"}, {"X-User-Id", "u"}});
    ASSERT_TRUE(caller.has_value());
    EXPECT_EQ(caller->project.str(), "p");
    EXPECT_EQ(caller->user.str(), "u");
    EXPECT_THAT(caller->roles, ElementsAre("creator"));
}

TEST(NoAuth, MakesAnAdministratorOfWhoNamesNoRole) {
    EXPECT_THAT(believed({{"X-Project-Id", "p"}})->roles, ElementsAre("admin"));
    EXPECT_THAT(believed({{"X-Project-Id", "p"}, {"X-Roles", " , "}})->roles, ElementsAre("admin"));
}

TEST(NoAuth, ReadsRolesAsBarbicanDoes) {
    EXPECT_THAT(
        believed({{"X-Project-Id", "p"}, {"X-Roles", " Creator ,key-manager:service-admin,,two words "}})->roles,
        ElementsAre("creator", "key-manager:service-admin", "two words"));
}

TEST(NoAuth, RefusesARequestWithoutProject) {
    for (const std::vector<api::Header>& headers :
         {std::vector<api::Header>{}, std::vector<api::Header>{{"X-Project-Id", ""}, {"X-Roles", "admin"}}}) {
        const auto caller = believed(headers);
        ASSERT_FALSE(caller.has_value());
        EXPECT_EQ(caller.error().code, Code::InvalidInput);
        EXPECT_EQ(caller.error().message, "Missing X-Project-Id");
    }
}

}  // namespace
}  // namespace sallyport::auth
