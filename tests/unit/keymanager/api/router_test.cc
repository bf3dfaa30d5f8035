#include "keymanager/api/router.h"

#include <gtest/gtest.h>

#include <cctype>
#include <chrono>
#include <string>
#include <vector>

#include "keymanager/base/bytes.h"
#include "tests/conformance/barbican/world.h"

// What the recorded exchanges (tests/conformance/barbican) do not show.
namespace sallyport::api {
namespace {

using conformance::id_in;
using conformance::World;

constexpr const char* Stored = R"({"name": "n", "payload": "hello", "payload_content_type": "text/plain"})";

std::string body_of(const Response& response) { return std::string(text_of(response.body.reveal())); }

std::string header_of(const Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers) {
        if (key == name) return value;
    }
    return "absent";
}

TEST(Router, OnlyPathsBelowV1NeedACaller) {
    const auto is_public = [](const char* target) {
        Request request;
        request.target = target;
        return Router::is_public(request);
    };
    EXPECT_TRUE(is_public("/"));
    EXPECT_TRUE(is_public("/?x"));
    EXPECT_TRUE(is_public("/healthcheck"));
    EXPECT_TRUE(is_public("/v10"));
    EXPECT_FALSE(is_public("/v1"));
    EXPECT_FALSE(is_public("/v1?x"));
    EXPECT_FALSE(is_public("/v1/secrets"));
}

TEST(Router, HeadHasNoBody) {
    World world;
    const Response response = world.send("a_creator", "HEAD", "/v1/secrets");
    EXPECT_EQ(response.status, 405);
    EXPECT_TRUE(response.body.empty());
}

TEST(Router, AGarbledTargetIsABadRequest) {
    World world;
    EXPECT_EQ(world.send("a_creator", "GET", "/v1/secrets?name=%ff").status, 400);
}

TEST(Router, AnEmptyPayloadIsNoContent) {
    World world;
    const auto made = world.send("a_creator", "POST", "/v1/secrets",
                                 R"({"payload": "====", "payload_content_type": "application/octet-stream",
                                     "payload_content_encoding": "base64"})");
    ASSERT_EQ(made.status, 201);
    EXPECT_EQ(world.send("a_creator", "GET", "/v1/secrets/" + id_in(made) + "/payload").status, 204);
}

TEST(Router, AnotherSpellingOfATypePassesTheFirstLookOnly) {
    World world;
    const std::string path =
        "/v1/secrets/" + id_in(world.send("a_creator", "POST", "/v1/secrets", Stored)) + "/payload";
    EXPECT_EQ(world.send("a_creator", "GET", path, "", {{"Accept", "TEXT/PLAIN"}}).status, 400);
    EXPECT_EQ(world.send("a_creator", "GET", path, "", {{"Accept", "text/plain, */*"}}).status, 406);
    const auto exact = world.send("a_creator", "GET", path, "", {{"Accept", "text/plain;charset=utf-8"}});
    EXPECT_EQ(header_of(exact, "Content-Type"), "text/plain;charset=utf-8");
}

TEST(Router, BrokenBase64InTheSecondStepStoresNothing) {
    World world;
    const std::string path = "/v1/secrets/" + id_in(world.send("a_creator", "POST", "/v1/secrets", "{}"));
    const std::vector<Header> headers{{"Content-Type", "application/octet-stream"}, {"Content-Encoding", "base64"}};
    EXPECT_EQ(world.send("a_creator", "PUT", path, "YWJ", headers).status, 400);
    EXPECT_EQ(world.send("a_creator", "GET", path + "/payload").status, 404);
    EXPECT_EQ(world.send("a_creator", "PUT", path, "YWJj", headers).status, 204);
    EXPECT_EQ(body_of(world.send("a_creator", "GET", path + "/payload")), "abc");
}

TEST(Router, APolicyRefusesBeforeTheBodyIsRead) {
    World world;
    EXPECT_EQ(world.send("a_observer", "POST", "/v1/secrets", "{").status, 403);
    EXPECT_EQ(world.send("a_observer", "POST", "/v1/orders", "{").status, 403);
    EXPECT_EQ(world.send("a_creator", "POST", "/v1/secrets", "{").status, 400);
}

TEST(Router, AnExpiredSecretIsGone) {
    World world;
    const auto made = world.send("a_creator", "POST", "/v1/secrets", R"({"expiration": "2026-11-22T06:00:10"})");
    const std::string path = "/v1/secrets/" + id_in(made);
    EXPECT_EQ(world.send("a_creator", "GET", path).status, 200);
    world.clock.advance(std::chrono::seconds(20));
    EXPECT_EQ(world.send("a_creator", "GET", path).status, 404);
    EXPECT_NE(body_of(world.send("a_creator", "GET", "/v1/secrets")).find("\"total\": 0"), std::string::npos);
}

TEST(Router, RefusesUpperCaseIdsAsBarbicanDoes) {
    World world;
    std::string id = id_in(world.send("a_creator", "POST", "/v1/secrets", Stored));
    for (char& c : id) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    const auto response = world.send("a_creator", "GET", "/v1/secrets/" + id + "/payload");
    const bool has_letters = id.find_first_of("ABCDEF") != std::string::npos;
    EXPECT_EQ(response.status, has_letters ? 404 : 200);
}

TEST(Router, ShowsAnOrdersPassphraseOnlyToThoseWhoMayDecrypt) {
    World world;
    const auto made = world.send("a_creator", "POST", "/v1/orders",
                                 R"({"type": "asymmetric", "meta": {"algorithm": "rsa", "bit_length": 1024,
                                     "passphrase": "canary"}})");
    const std::string path = "/v1/orders/" + id_in(made);
    EXPECT_NE(body_of(world.send("a_creator", "GET", path)).find("\"passphrase\": \"canary\""), std::string::npos);
    const auto audited = world.send("a_audit", "GET", path);
    EXPECT_EQ(audited.status, 200);
    EXPECT_EQ(body_of(audited).find("canary"), std::string::npos);
}

TEST(Router, ShowsConsumersFromMicroversionOneOne) {
    World world;
    const std::string path = "/v1/secrets/" + id_in(world.send("a_creator", "POST", "/v1/secrets", Stored));
    EXPECT_EQ(body_of(world.send("a_creator", "GET", path)).find("consumers"), std::string::npos);
    const auto later = world.send("a_creator", "GET", path, "", {{"OpenStack-API-Version", "key-manager 1.1"}});
    EXPECT_NE(body_of(later).find("\"consumers\": []"), std::string::npos);
}

}  // namespace
}  // namespace sallyport::api
