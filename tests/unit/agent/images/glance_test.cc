#include "agent/images/glance.h"

#include <gmock/gmock.h>

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "tests/fakes/fake_keystone.h"
#include "tests/unit/agent/auth/keystone_config.h"
#include "tests/unit/agent/http/harness.h"

namespace sallyport::images {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr auto Image = "6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11";
constexpr auto ImageTarget = "/v2/images/6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11";
constexpr auto ProbeTarget = "/v2/images?limit=1";

/// Answers with what a test laid down for a target, else with 404 as a web server without Glance does.
class GlanceTest : public testing::Test {
protected:
    struct Answer {
        int status;
        std::string body;
    };

    std::unique_ptr<Glance> glance(const std::string& admin_role = "creator") {
        config::Images settings;
        settings.glance_url = "http://127.0.0.1:" + std::to_string(server_.port());
        settings.admin_role = admin_role;
        settings.timeout_seconds = 5;
        auto made = make_glance(settings, keystone_config_.config, system_clock());
        EXPECT_TRUE(made);
        return *std::move(made);
    }
    void lay(const std::string& target, Answer answer) { answers_[target] = std::move(answer); }
    std::vector<std::string> targets() {
        const std::lock_guard lock(mutex_);
        return targets_;
    }

private:
    http::StreamHandler door() {
        return [this](http::Exchange& exchange) -> http::asio::awaitable<void> {
            Answer answer{404, "<h1>Not Found</h1>"};
            {
                const std::lock_guard lock(mutex_);
                targets_.push_back(exchange.request().target);
                if (refused_tokens_ > 0) {
                    --refused_tokens_;
                    answer = {401, ""};
                } else if (const auto found = answers_.find(exchange.request().target); found != answers_.end()) {
                    answer = found->second;
                }
            }
            const http::ResponseHead head{answer.status, {}};
            co_await exchange.respond(head, http::testing_::bytes(answer.body));
        };
    }

protected:
    fakes::FakeKeystone keystone_;
    auth::KeystoneConfig keystone_config_{keystone_.url()};
    int refused_tokens_ = 0;

private:
    std::mutex mutex_;
    std::map<std::string, Answer> answers_;
    std::vector<std::string> targets_;
    http::testing_::TestServer server_{door()};
};

TEST_F(GlanceTest, AnImageIsFoundWithItsKey) {
    lay(ImageTarget, {200, std::string(R"({"id": ")") + Image +
                               R"(", "owner": "a", "cinder_encryption_key_id": "k",)"
                               R"( "cinder_encryption_key_deletion_policy": "on_image_deletion"})"});
    const auto found = glance()->find(Image);
    ASSERT_TRUE(found) << found.error().message;
    ASSERT_TRUE(*found);
    EXPECT_EQ(**found, (model::ImageKey{Image, ProjectId("a"), SecretId("k"), "on_image_deletion"}));
}

TEST_F(GlanceTest, AnImageIsGoneIfGlanceSaysSoAndHasOthers) {
    lay(ProbeTarget, {200, R"({"images": []})"});
    const auto found = glance()->find(Image);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_FALSE(*found);
    EXPECT_THAT(targets(), ElementsAre(ImageTarget, ProbeTarget));
}

TEST_F(GlanceTest, A404OfAnythingButGlanceSettlesNothing) {
    // No list of images there at all.
    auto found = glance()->find(Image);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, Code::Unavailable);
    for (const char* body : {"<html>welcome</html>", "[]", R"({"pictures": []})"}) {
        lay(ProbeTarget, {200, body});
        found = glance()->find(Image);
        ASSERT_FALSE(found) << body;
        EXPECT_EQ(found.error().code, Code::Unavailable);
    }
}

TEST_F(GlanceTest, OtherAnswersSettleNothing) {
    lay(ProbeTarget, {200, R"({"images": []})"});
    for (const int status : {300, 400, 403, 500, 503}) {
        lay(ImageTarget, {status, "{}"});
        const auto found = glance()->find(Image);
        ASSERT_FALSE(found) << status;
        EXPECT_EQ(found.error().code, Code::Unavailable);
    }
    lay(ImageTarget, {200, "no json"});
    EXPECT_FALSE(glance()->find(Image));
    lay(ImageTarget, {200, R"({"id": "another"})"});
    EXPECT_FALSE(glance()->find(Image));
}

TEST_F(GlanceTest, AnAccountThatDoesNotSeeEveryImageIsNotBelieved) {
    lay(ProbeTarget, {200, R"({"images": []})"});
    const auto found = glance("admin")->find(Image);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, Code::Unavailable);
    EXPECT_THAT(found.error().message, HasSubstr("lacks the role admin"));
    EXPECT_THAT(targets(), ElementsAre());
    EXPECT_TRUE(glance("Creator")->find(Image));
}

TEST_F(GlanceTest, ATokenThatIsRefusedIsReplacedOnce) {
    lay(ProbeTarget, {200, R"({"images": []})"});
    const auto asked = glance();
    refused_tokens_ = 1;
    EXPECT_TRUE(asked->find(Image));
    EXPECT_EQ(keystone_.log_ins(), 2);
    refused_tokens_ = 2;
    EXPECT_FALSE(asked->find(Image));
}

TEST_F(GlanceTest, WhileKeystoneIsAwayNothingIsSettled) {
    lay(ProbeTarget, {200, R"({"images": []})"});
    keystone_.break_with(503, "");
    const auto found = glance()->find(Image);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, Code::Unavailable);
}

TEST_F(GlanceTest, AWalkGoesThroughShownAndHiddenImages) {
    const std::string first = "/v2/images?limit=50&os_hidden=false&visibility=all";
    const std::string hidden = "/v2/images?limit=50&os_hidden=true&visibility=all";
    lay(first, {200, R"({"images": [{"id": "1"}, {"id": "2"}], "next": "/v2/images?marker=2&os_hidden=false"})"});
    lay("/v2/images?marker=2&os_hidden=false", {200, R"({"images": [{"id": "3"}]})"});
    lay(hidden, {200, R"({"images": [{"id": "4"}]})"});
    const auto asked = glance();
    std::vector<std::string> seen;
    std::string next;
    do {
        const auto page = asked->list(Walk::All, next);
        ASSERT_TRUE(page) << page.error().message;
        for (const auto& image : page->images) seen.push_back(image.image);
        next = page->next;
    } while (!next.empty());
    EXPECT_THAT(seen, ElementsAre("1", "2", "3", "4"));
}

TEST_F(GlanceTest, AListThatGoesOnElsewhereIsNotFollowed) {
    lay("/v2/images?limit=50&os_hidden=false&visibility=all",
        {200, R"({"images": [], "next": "http://elsewhere/v2/images"})"});
    EXPECT_FALSE(glance()->list(Walk::All, ""));
}

TEST_F(GlanceTest, AWalkForKeysAsksForThePolicyAlone) {
    lay("/v2/images?limit=50&os_hidden=false&visibility=all&cinder_encryption_key_deletion_policy=on_image_deletion",
        {200, R"({"images": [{"id": "1"}]})"});
    const auto page = glance()->list(Walk::DeletedWithKey, "");
    ASSERT_TRUE(page) << page.error().message;
    EXPECT_EQ(page->images.size(), 1u);
}

}  // namespace
}  // namespace sallyport::images
