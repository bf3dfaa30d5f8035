#include "agent/node_api/life_cycle.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/keymanager/core/world.h"

namespace sallyport::node_api {
namespace {

namespace json = boost::json;

constexpr auto Unknown = "6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11";

class LifeCycleRoutesTest : public core::KeyManagerWorld {
protected:
    struct Answer {
        int status;
        json::value body;
    };
    Answer send(const std::string& method, const std::string& path, const std::string& text) {
        api::Request request;
        request.method = method;
        request.target = "/sallyport/v1/life-cycle" + path;
        request.body = *SecureBytes::copy_of(bytes_of(text));
        const api::Response response = routes_.handle(request, caller);
        json::error_code failed;
        return {response.status, json::parse(text_of(response.body.reveal()), failed)};
    }
    Answer post(const std::string& path, const json::value& body) { return send("POST", path, json::serialize(body)); }

    core::Caller caller = core::ServiceAdmin;
    LifeCycleRoutes routes_{key_manager_->life_cycle()};
};

TEST_F(LifeCycleRoutesTest, BringsADeletedSecretBack) {
    const SecretId id = stored();
    ASSERT_TRUE(key_manager_->remove(core::Creator, id));
    const Answer answer = post("/undelete", {{"secret", id.str()}});
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, (json::value{{"secret", id.str()}, {"name", nullptr}, {"project", "a"}}));
    EXPECT_TRUE(key_manager_->fetch(core::Creator, id));
    EXPECT_EQ(post("/undelete", {{"secret", id.str()}}).status, 409);
}

TEST_F(LifeCycleRoutesTest, CountsAndRemovesAProject) {
    stored();
    EXPECT_EQ(post("/count-project", {{"project", "a"}}).body,
              (json::value{{"secrets", 1}, {"containers", 0}, {"orders", 0}, {"keks", 1}, {"consumers", 0}}));
    const Answer removed = post("/remove-project", {{"project", "a"}});
    EXPECT_EQ(removed.status, 200);
    EXPECT_EQ(removed.body.at("secrets"), 1);
    EXPECT_EQ(removed.body.at("done"), true);
    EXPECT_EQ(post("/count-project", {{"project", "a"}}).status, 404);
}

TEST_F(LifeCycleRoutesTest, RefusesWhatItCannotDo) {
    const SecretId id = stored();
    EXPECT_EQ(post("/undelete", {{"secret", Unknown}}).status, 404);
    EXPECT_EQ(post("/undelete", {{"secret", 1}}).status, 400);
    EXPECT_EQ(post("/undelete", json::array()).status, 400);
    EXPECT_EQ(send("POST", "/undelete", "{").status, 400);
    EXPECT_EQ(post("/remove-project", {{"project", ""}}).status, 400);
    EXPECT_EQ(post("/explode-project", {{"project", "a"}}).status, 404);
    EXPECT_EQ(send("GET", "/count-project", "").status, 404);
    caller = core::Creator;
    EXPECT_EQ(post("/undelete", {{"secret", id.str()}}).status, 403);
    EXPECT_EQ(post("/remove-project", {{"project", "a"}}).status, 403);
    EXPECT_TRUE(key_manager_->fetch(core::Creator, id));
}

}  // namespace
}  // namespace sallyport::node_api
