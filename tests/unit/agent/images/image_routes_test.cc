#include "agent/images/image_routes.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/agent/images/image_world.h"

namespace sallyport::images {
namespace {

namespace json = boost::json;

class ImageRoutesTest : public ImageWorld {
protected:
    struct Answer {
        int status;
        json::value body;
    };
    Answer send(const std::string& method, const std::string& path, const std::string& text) {
        api::Request request;
        request.method = method;
        request.target = "/sallyport/v1/images" + path;
        request.body = *SecureBytes::copy_of(bytes_of(text));
        const api::Response response = routes_.handle(request, caller);
        json::error_code failed;
        return {response.status, json::parse(sallyport::text_of(response.body.reveal()), failed)};
    }
    Answer post(const std::string& path, const json::value& body) { return send("POST", path, json::serialize(body)); }
    json::object gone(const SecretId& secret) {
        return {{"image", Image}, {"project", "a"}, {"key", secret.str()}, {"policy", "on_image_deletion"}};
    }

    core::Caller caller = core::Admin;
    ImageCare care_ = care();
    ImageRoutes routes_{care_, always};
};

TEST_F(ImageRoutesTest, SaysWhatBecameOfAKey) {
    const SecretId secret = stored();
    EXPECT_EQ(post("/on-delete", gone(secret)).body,
              (json::value{{"outcome", "deleted"}, {"rule", ""}, {"reason", ""}}));
    EXPECT_FALSE(exists(secret));
    EXPECT_EQ(post("/on-delete", gone(secret)).body.at("outcome"), "gone");
    json::object kept = gone(secret);
    kept["policy"] = nullptr;
    EXPECT_EQ(post("/on-delete", kept).body.at("rule"), "not-the-policy");
    glance_.is_away = true;
    const Answer waiting = post("/on-delete", gone(secret));
    EXPECT_EQ(waiting.status, 200);
    EXPECT_EQ(waiting.body.at("outcome"), "waiting");
}

TEST_F(ImageRoutesTest, LooksAndReconciles) {
    const SecretId secret = stored();
    glance_.add(image_of(secret));
    EXPECT_EQ(post("/look", json::object{}).body, (json::value{{"images", 1}, {"missing", 0}, {"deleted", 0}}));
    glance_.images.clear();
    const Answer dry = post("/reconcile", json::object{});
    EXPECT_EQ(dry.body.at("findings").at(0), (json::value{{"kind", "orphan"},
                                                          {"image", Image},
                                                          {"project", "a"},
                                                          {"key", secret.str()},
                                                          {"what", "its image is gone"},
                                                          {"action", "to be deleted"}}));
    EXPECT_TRUE(exists(secret));
    EXPECT_EQ(post("/reconcile", {{"apply", true}}).body.at("findings").at(0).at("action"), "deleted");
    EXPECT_FALSE(exists(secret));
    glance_.is_away = true;
    EXPECT_EQ(post("/look", json::object{}).status, 503);
}

TEST_F(ImageRoutesTest, OnlyAdministratorsAreHeard) {
    const SecretId secret = stored();
    caller = core::Creator;
    EXPECT_EQ(post("/on-delete", gone(secret)).status, 403);
    EXPECT_EQ(post("/look", json::object{}).status, 403);
    EXPECT_EQ(post("/reconcile", {{"apply", true}}).status, 403);
    EXPECT_TRUE(exists(secret));
}

TEST_F(ImageRoutesTest, WhatMakesNoSenseIsRefused) {
    EXPECT_EQ(send("POST", "/on-delete", "no json").status, 400);
    EXPECT_EQ(post("/on-delete", json::object{}).status, 400);
    EXPECT_EQ(post("/on-delete", {{"image", Image}, {"key", 5}}).status, 400);
    EXPECT_EQ(post("/reconcile", {{"apply", "yes"}}).status, 400);
    EXPECT_EQ(send("GET", "/look", "{}").status, 404);
    EXPECT_EQ(post("/delete", json::object{}).status, 404);
    EXPECT_EQ(post("", json::object{}).status, 404);
}

}  // namespace
}  // namespace sallyport::images
