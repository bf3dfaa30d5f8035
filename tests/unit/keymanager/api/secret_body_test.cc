#include "keymanager/api/secret_body.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "keymanager/base/bytes.h"
#include "tests/unit/keymanager/api/body.h"

namespace sallyport::api {
namespace {

const SecretBodyRules Rules{std::chrono::sys_days(std::chrono::year(2026) / 11 / 22), 20, false};

Checked<SecretBody> parse(std::string_view text, const SecretBodyRules& rules = Rules) {
    auto body = parse_text(text);
    return parse_secret_body(body->root(), rules);
}

std::string payload_of(std::string_view base64) {
    auto body = parse(R"({"payload_content_type": "application/octet-stream", "payload_content_encoding": "base64",
                          "payload": ")" +
                      std::string(base64) + "\"}");
    return body ? std::string(text_of(body->payload->reveal())) : std::to_string(body.error().status);
}

TEST(SecretBody, ReadsEverything) {
    auto body =
        parse(R"({"name": " n ", "algorithm": "aes", "bit_length": 256, "mode": "cbc", "secret_type": "symmetric",
                          "expiration": "2099-01-01T12:00:00+02:00", "payload": "x",
                          "payload_content_type": "text/plain; charset=UTF-8"})");
    ASSERT_TRUE(body);
    EXPECT_EQ(body->attributes.name, "n");
    EXPECT_EQ(body->attributes.bit_length, 256);
    EXPECT_EQ(body->attributes.type, model::SecretType::Symmetric);
    EXPECT_EQ(to_iso8601(*body->attributes.expiration), "2099-01-01T10:00:00");
    EXPECT_EQ(body->payload_type, "text/plain");
    EXPECT_EQ(text_of(body->payload->reveal()), "x");
}

TEST(SecretBody, DecodesBase64AsPythonDoes) {
    EXPECT_EQ(payload_of("YWJj"), "abc");
    EXPECT_EQ(payload_of("Y!W-J\\n j"), "abc");
    EXPECT_EQ(payload_of("YWJj="), "abc");
    EXPECT_EQ(payload_of("YQ==YQ=="), "a");
    EXPECT_EQ(payload_of("===="), "");
    EXPECT_EQ(payload_of("YQ="), "400");
    EXPECT_EQ(payload_of("A"), "400");
    EXPECT_EQ(payload_of("YW\xC3\xA9Jj"), "400");
}

TEST(SecretBody, LimitsThePayloadAsItWasTransferred) {
    EXPECT_TRUE(parse(R"({"payload": "12345678901234567890", "payload_content_type": "text/plain"})"));
    const auto over = parse(R"({"payload": "123456789012345678901", "payload_content_type": "text/plain"})");
    ASSERT_FALSE(over);
    EXPECT_EQ(over.error().status, 413);
}

TEST(SecretBody, WithinAnOrderATypeNeedsNoPayload) {
    SecretBodyRules within = Rules;
    within.within_order = true;
    EXPECT_TRUE(parse(R"({"payload_content_type": "text/plain"})", within));
    EXPECT_FALSE(parse(R"({"payload_content_type": "image/png"})", within));
    EXPECT_FALSE(parse(R"({"payload_content_type": "text/plain"})"));
}

TEST(SecretBody, RefusesWhatHasExpired) {
    EXPECT_FALSE(parse(R"({"expiration": "2026-11-22"})"));
    EXPECT_TRUE(parse(R"({"expiration": "2026-11-22T00:00:00.000001"})"));
}

}  // namespace
}  // namespace sallyport::api
