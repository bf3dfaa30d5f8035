#include "agent/objects/key_route.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "integrations/object/granted_keys.h"
#include "keymanager/base/bytes.h"

namespace sallyport::objects {
namespace {

Result<object::RootSecrets> two_secrets() {
    std::vector<object::RootSecrets::Entry> entries;
    entries.push_back({ "", TRY(SecureBytes::of_size(32)) });
    entries.push_back({ "2027", TRY(SecureBytes::of_size(40)) });
    return object::RootSecrets::create(std::move(entries), "2027");
}

class KeyRouteTest : public testing::Test {
protected:
    api::Response get(const std::string& query, std::vector<std::string> roles = {std::string(KeyRole)},
                      const std::string& project = "node") {
        api::Request request;
        request.method = method_;
        request.target = "/sallyport/v1/objects/keys" + query;
        return route_.handle(request, {UserId("uid:33"), ProjectId(project), std::move(roles), ""});
    }

    std::string method_ = "GET";
    int fetched_ = 0;
    bool away_ = false;
    RootSecretKeeper keeper_{[this]() -> Result<object::RootSecrets> {
        ++fetched_;
        if (away_) return Error{Code::Unavailable, "the database is away", {}};
        return two_secrets();
    }};
    const std::string project_ = "node";
    KeyRoute route_{keeper_, project_};
};

TEST_F(KeyRouteTest, HandsOutTheKeysOfAllPathsUnderAllSecrets) {
    const api::Response response = get("?path=/a/c&path=/a/c/%C3%BC%26%25");
    ASSERT_EQ(response.status, 200);
    object::GrantedKeys keys;
    ASSERT_TRUE(keys.add({"/a/c", "/a/c/\xc3\xbc&%"}, response.body.reveal()));
    EXPECT_EQ(keys.ids(), (std::vector<std::string>{"2027", ""}));
    const auto secrets = two_secrets();
    const auto expected = secrets->derive("", "/a/c/\xc3\xbc&%");
    EXPECT_TRUE(equal_in_constant_time(keys.derive("", "/a/c/\xc3\xbc&%")->reveal(), expected->reveal()));
}

TEST_F(KeyRouteTest, FetchesTheRootSecretsOnce) {
    EXPECT_EQ(get("?path=/a/c").status, 200);
    EXPECT_EQ(get("?path=/a/c").status, 200);
    EXPECT_EQ(fetched_, 1);
}

TEST_F(KeyRouteTest, SaysToTryAgainWhileThereAreNone) {
    away_ = true;
    const api::Response response = get("?path=/a/c");
    EXPECT_EQ(response.status, 503);
    const std::pair<std::string, std::string> retry{"Retry-After", "1"};
    EXPECT_EQ(response.headers.back(), retry);
    away_ = false;
    EXPECT_EQ(get("?path=/a/c").status, 200);
}

TEST_F(KeyRouteTest, IsForOneRoleInOneProject) {
    EXPECT_EQ(get("?path=/a/c", {"admin", "observer"}).status, 403);
    EXPECT_EQ(get("?path=/a/c", {}).status, 403);
    EXPECT_EQ(get("?path=/a/c", {std::string(KeyRole)}, "other").status, 403);
    EXPECT_EQ(fetched_, 0);
}

TEST_F(KeyRouteTest, RefusesWhatIsNoPath) {
    for (const char* query : {"", "?", "?path=", "?path=/", "?path=a/c", "?path=/a/c&x=y", "?PATH=/a/c"}) {
        EXPECT_EQ(get(query).status, 400) << query;
    }
    method_ = "POST";
    EXPECT_EQ(get("?path=/a/c").status, 404);
}

}  // namespace
}  // namespace sallyport::objects
