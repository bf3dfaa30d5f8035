#include "keymanager/api/order_body.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "keymanager/base/bytes.h"
#include "tests/unit/keymanager/api/body.h"

namespace sallyport::api {
namespace {

const SecretBodyRules Rules{std::chrono::sys_days(std::chrono::year(2026) / 11 / 22), 20000, true};

Checked<core::OrderRequest> parse(std::string_view text) {
    auto body = parse_text(text);
    return parse_order_body(body->root(), Rules);
}

std::string refusal_of(std::string_view text) {
    const auto parsed = parse(text);
    return parsed ? "fits" : std::string(*parsed.error().description);
}

TEST(OrderBody, CompletesTheMetaAsBarbicanDoes) {
    auto order = parse(R"({"type": "key", "meta": {"algorithm": "aes", "bit_length": 256.0, "mode": " cbc ",
                           "expiration": "2099-01-01T10:00:00.5+02:00", "z": [1, 2.50]}})");
    ASSERT_TRUE(order);
    EXPECT_EQ(order->meta,
              R"({"algorithm": "aes", "bit_length": 256.0, "mode": "cbc", "expiration": "2099-01-01T08:00:00.500000", )"
              R"("z": [1, 2.5], "name": null})");
    EXPECT_EQ(order->attributes.bit_length, 256);
    EXPECT_EQ(order->content_type, "application/octet-stream");
}

TEST(OrderBody, TakesThePassphraseOutOfTheMeta) {
    auto order =
        parse(R"({"type": "asymmetric", "meta": {"algorithm": "rsa", "bit_length": 2048, "passphrase": "canary"}})");
    ASSERT_TRUE(order);
    EXPECT_EQ(order->meta.find("canary"), std::string::npos);
    ASSERT_TRUE(order->passphrase);
    EXPECT_EQ(text_of(order->passphrase->reveal()), "canary");
    EXPECT_FALSE(parse(R"({"type": "asymmetric", "meta": {"algorithm": "rsa", "bit_length": 2048, "passphrase": ""}})")
                     ->passphrase);
}

TEST(OrderBody, SaysWhatIsMissing) {
    EXPECT_NE(refusal_of(R"({"type": "key", "meta": {}})").find("'algorithm' is required field for key type order"),
              std::string::npos);
    EXPECT_NE(refusal_of(R"({"type": "asymmetric", "meta": {"algorithm": "rsa"}})")
                  .find("'bit_length' is required field for asymmetric key type order"),
              std::string::npos);
    EXPECT_EQ(refusal_of(R"({"type": "key", "meta": {"algorithm": "aes", "bit_length": 129}})"),
              "Provided field value is not supported");
    EXPECT_NE(refusal_of(R"({"type": "key", "meta": {"algorithm": "aes", "bit_length": 128, "payload": "x",
                             "payload_content_type": "text/plain"}})")
                  .find("'payload' not allowed for key type order"),
              std::string::npos);
}

TEST(OrderBody, ChecksCertificateOrdersByTheirKind) {
    EXPECT_EQ(refusal_of(R"({"type": "certificate", "meta": {}})"), "fits");
    EXPECT_FALSE(parse(R"({"type": "certificate", "meta": {"request_type": "custom"}})")->names_authority);
    EXPECT_TRUE(parse(R"({"type": "certificate", "meta": {"request_type": "custom", "ca_id": "x"}})")->names_authority);
    EXPECT_EQ(refusal_of(R"({"type": "certificate", "meta": {"request_type": 5}})"),
              "Invalid Certificate Request Type");
    EXPECT_EQ(refusal_of(R"({"type": "certificate", "meta": {"profile": "x"}})"),
              "Missing required metadata field for ca_id");
    EXPECT_EQ(refusal_of(R"({"type": "certificate", "meta": {"request_type": "full-cmc"}})"),
              "Full CMC Requests are not yet supported.");
    EXPECT_EQ(refusal_of(R"({"type": "certificate", "meta": {"request_type": "simple-cmc"}})"),
              "Missing required metadata field for request_data");
    const std::string stored = R"({"type": "certificate", "meta": {"request_type": "stored-key", "container_ref": "x")";
    EXPECT_EQ(refusal_of(stored + "}}"), "Missing required metadata field for subject_dn");
    EXPECT_EQ(refusal_of(stored + R"(, "subject_dn": "???"}})"), "Invalid subject DN: ???");
    EXPECT_EQ(refusal_of(stored + R"(, "subject_dn": "cn=x,o=y"}})"), "fits");
}

}  // namespace
}  // namespace sallyport::api
