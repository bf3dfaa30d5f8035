#include "keymanager/api/router.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <memory>

#include "keymanager/base/codec.h"
#include "keymanager/core/key_manager.h"
#include "keymanager/crypto/random.h"
#include "keymanager/store/simple_crypto.h"
#include "tests/residue/canary.h"

// The REST API as values, over the real store and a real database: the whole road of a key but the socket.
namespace sallyport::residue {
namespace {

/// One key manager with its own KEK file and database.
class KeyManagerHouse {
public:
    explicit KeyManagerHouse(store::Envelope envelope) {
        const std::string kek = folder_.file("kek");
        {
            const SecureBytes bytes = make_canary();
            const auto text = to_base64_secure(bytes, Base64Alphabet::UrlSafe);
            std::ofstream(kek) << text_of(text->reveal());
        }
        chmod(kek.c_str(), 0400);
        auto store = store::make_simple_crypto({.kek_files = {kek}, .envelope = envelope}, system_clock());
        auto database = db::make_database({.url = "sqlite:///" + folder_.file("keys.db"), .password_file = {}});
        auto policy = core::AccessPolicy::load("", false);
        SALLYPORT_ASSERT(store && database && policy);
        SALLYPORT_ASSERT((*database)->create_schema().has_value());
        auto opened =
            core::KeyManager::open(*std::move(database), *std::move(store), *std::move(policy), system_clock(), {});
        SALLYPORT_ASSERT(opened.has_value());
        key_manager_ = *std::move(opened);
        router_ = std::make_unique<api::Router>(*key_manager_, api::RouterConfig{});
    }

    api::Response send(const std::string& method, const std::string& target, std::vector<api::Header> headers,
                       SecureBytes body) {
        api::Request request;
        request.method = method;
        request.target = target;
        request.headers = std::move(headers);
        request.body = std::move(body);
        request.base_url = "http://localhost:9311";
        request.request_id = "req-1";
        return router_->handle(request, &caller_);
    }
    api::Response get(const std::string& target, const std::string& accept) {
        return send("GET", target, {{"Accept", accept}}, {});
    }

private:
    TemporaryFolder folder_;
    std::unique_ptr<core::KeyManager> key_manager_;
    std::unique_ptr<api::Router> router_;
    core::Caller caller_{UserId("u"), ProjectId("p"), {"admin", "creator"}, ""};
};

/// The path of what was made: "/v1/secrets/ID".
std::string made(const api::Response& response) {
    EXPECT_EQ(response.status / 100, 2) << text_of(response.body.reveal());
    const auto location = std::ranges::find(response.headers, "Location", &api::Header::first);
    if (location == response.headers.end()) return {};
    return location->second.substr(location->second.find("/v1/"));
}

class RouterFlow : public testing::TestWithParam<store::Envelope> {
protected:
    std::string store_in_one_step(const SecureBytes& key) {
        const auto base64 = to_base64_secure(key);
        return made(house.send(
            "POST", "/v1/secrets", {{"Content-Type", "application/json"}},
            joined(
                {bytes_of(R"({"name": "canary", "secret_type": "symmetric", "payload": ")"), base64->reveal(),
                 bytes_of(
                     R"(", "payload_content_type": "application/octet-stream", "payload_content_encoding": "base64"})")})));
    }
    /// Reads the payload and says whether it is the key.
    void expect_payload(const std::string& secret, const SecureBytes& key, const std::string& type) {
        const api::Response response = house.get(secret + "/payload", type);
        EXPECT_EQ(response.status, 200);
        EXPECT_TRUE(equal_in_constant_time(response.body.reveal(), key.reveal()));
    }

    KeyManagerHouse house{GetParam()};
};

TEST_P(RouterFlow, StoreAndFetchInOneStep) {
    std::vector<Needle> needles;
    {
        const SecureBytes key = make_canary();
        needles = shapes_of(key);
        const std::string secret = store_in_one_step(key);
        expect_in_the_arena_only(needles);
        for (int i = 0; i < 3; ++i) expect_payload(secret, key, "application/octet-stream");
        EXPECT_EQ(house.get(secret, "application/json").status, 200);
        EXPECT_EQ(house.get("/v1/secrets", "application/json").status, 200);
        expect_in_the_arena_only(needles);
    }
    expect_nowhere(needles);
}

TEST_P(RouterFlow, StoreInTwoSteps) {
    std::vector<Needle> needles;
    {
        const SecureBytes key = make_canary();
        needles = shapes_of(key);
        for (const bool as_base64 : {false, true}) {
            const std::string secret = made(house.send("POST", "/v1/secrets", {{"Content-Type", "application/json"}},
                                                       *SecureBytes::copy_of(bytes_of(R"({"name": "canary"})"))));
            std::vector<api::Header> headers{{"Content-Type", "application/octet-stream"}};
            if (as_base64) headers.emplace_back("Content-Encoding", "base64");
            SecureBytes body = as_base64 ? *to_base64_secure(key) : *key.clone();
            EXPECT_EQ(house.send("PUT", secret, std::move(headers), std::move(body)).status, 204);
            expect_payload(secret, key, "application/octet-stream");
        }
        expect_in_the_arena_only(needles);
    }
    expect_nowhere(needles);
}

TEST_P(RouterFlow, StoreAndFetchText) {
    std::vector<Needle> needles;
    {
        const SecureBytes key = make_canary();
        needles = shapes_of(key);
        const SecureBytes text = *to_hex_secure(key);
        const std::string secret =
            made(house.send("POST", "/v1/secrets", {{"Content-Type", "application/json"}},
                            joined({bytes_of(R"({"secret_type": "passphrase", "payload": ")"), text.reveal(),
                                    bytes_of(R"(", "payload_content_type": "text/plain"})")})));
        expect_payload(secret, text, "text/plain");
        expect_in_the_arena_only(needles);
    }
    expect_nowhere(needles);
}

TEST_P(RouterFlow, ARefusedPayload) {
    std::vector<Needle> needles;
    {
        const SecureBytes key = make_canary();
        needles = shapes_of(key);
        const SecureBytes text = *to_hex_secure(key);
        const auto body = [&text](const char* after) {
            return joined({bytes_of(R"({"name": "canary", "payload": ")"), text.reveal(), bytes_of(after)});
        };
        const std::vector<api::Header> json{{"Content-Type", "application/json"}};
        for (const char* after :
             {R"(")", R"(", "payload_content_type": "no/such"})", R"(", )", "",
              R"(", "payload_content_type": "application/octet-stream", "payload_content_encoding": "rot13"})",
              R"(", "expiration": "yesterday", "payload_content_type": "text/plain"})"}) {
            const api::Response refused = house.send("POST", "/v1/secrets", json, body(after));
            EXPECT_EQ(refused.status / 100, 4) << after;
        }
        expect_in_the_arena_only(needles);
    }
    expect_nowhere(needles);
}

TEST_P(RouterFlow, AnOrderedKey) {
    std::vector<Needle> needles;
    {
        const std::string order = made(house.send(
            "POST", "/v1/orders", {{"Content-Type", "application/json"}},
            *SecureBytes::copy_of(bytes_of(
                R"({"type": "key", "meta": {"algorithm": "aes", "bit_length": 256, "mode": "cbc", "payload_content_type": "application/octet-stream"}})"))));
        const api::Response described = house.get(order, "application/json");
        const std::string_view text = text_of(described.body.reveal());
        const auto at = text.find("/v1/secrets/");
        ASSERT_NE(at, std::string_view::npos) << text;
        const std::string secret(text.substr(at, 12 + 36));
        const api::Response payload = house.get(secret + "/payload", "application/octet-stream");
        ASSERT_EQ(payload.body.size(), 32U);
        needles = shapes_of(payload.body);
        expect_in_the_arena_only(needles);
    }
    expect_nowhere(needles);
}

INSTANTIATE_TEST_SUITE_P(Bound, RouterFlow, testing::Values(store::Envelope::Bound));
INSTANTIATE_TEST_SUITE_P(Barbican, RouterFlow, testing::Values(store::Envelope::Barbican));

}  // namespace
}  // namespace sallyport::residue
