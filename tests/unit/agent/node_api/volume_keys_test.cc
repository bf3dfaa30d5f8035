#include "agent/node_api/volume_keys.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/keymanager/core/world.h"

namespace sallyport::node_api {
namespace {

namespace json = boost::json;

constexpr auto Volume = "0c3de0f4-5d3f-4c44-8d39-3a6f6c6f0d11";
constexpr auto Clone = "7f9d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11";

class VolumeKeyRoutesTest : public core::KeyManagerWorld {
protected:
    struct Answer {
        int status;
        json::value body;
    };
    Answer post(const std::string& verb, const json::value& body) {
        api::Request request;
        request.method = "POST";
        request.target = "/sallyport/v1/volume-keys" + verb;
        request.body = *SecureBytes::copy_of(bytes_of(json::serialize(body)));
        const api::Response response = routes_.handle(request, core::Creator);
        json::error_code failed;
        return {response.status, json::parse(text_of(response.body.reveal()), failed)};
    }

    VolumeKeyRoutes routes_{key_manager_->volume_keys()};
};

TEST_F(VolumeKeyRoutesTest, AKeyLivesAsLongAsItsVolume) {
    const Answer made = post("/create", {{"volume", Volume}, {"cipher", "aes-xts-plain64"}, {"key_size", 512}});
    ASSERT_EQ(made.status, 200) << made.body;
    const std::string key(made.body.at("secret").as_string());
    EXPECT_EQ(key_manager_->fetch(core::Creator, SecretId(key))->bytes.size(), 64u);
    EXPECT_EQ(post("/find", {{"volume", Volume}}).body.at("secrets"), (json::array{key}));

    const Answer cloned = post("/clone", {{"volume", Clone}, {"source", "http://host/v1/secrets/" + key}});
    ASSERT_EQ(cloned.status, 200) << cloned.body;
    EXPECT_NE(cloned.body.at("secret").as_string(), key);

    EXPECT_EQ(post("/delete", {{"volume", Volume}, {"secret", key}}).status, 200);
    EXPECT_EQ(post("/find", {{"volume", Volume}}).body.at("secrets"), json::array{});
    EXPECT_EQ(post("/find", {{"volume", Clone}}).body.at("secrets").as_array().size(), 1u);
}

TEST_F(VolumeKeyRoutesTest, RefusesWhatMakesNoSense) {
    EXPECT_EQ(post("/create", {{"volume", Volume}, {"key_size", "256"}}).status, 400);
    EXPECT_EQ(post("/create", {{"volume", Volume}, {"key_size", -1}}).status, 400);
    EXPECT_EQ(post("/create", {{"cipher", "aes"}}).status, 400);
    EXPECT_EQ(post("/clone", {{"volume", Volume}}).status, 400);
    EXPECT_EQ(post("/burn", {{"volume", Volume}}).status, 404);
}

}  // namespace
}  // namespace sallyport::node_api
