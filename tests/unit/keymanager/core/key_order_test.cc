#include "keymanager/core/key_order.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace sallyport::core {
namespace {

model::SecretAttributes key(const char* algorithm, int bits, std::optional<std::string> mode = std::nullopt) {
    model::SecretAttributes attributes;
    attributes.algorithm = algorithm;
    attributes.bit_length = bits;
    attributes.mode = std::move(mode);
    return attributes;
}

/// "32 bytes", or the status of the order's error.
std::string symmetric(const model::SecretAttributes& attributes) {
    const auto spec = symmetric_key_spec(attributes);
    if (const auto* failure = std::get_if<OrderFailure>(&spec)) return failure->status_code;
    return std::to_string(std::get<SymmetricKeySpec>(spec).bytes) + " bytes";
}

std::string pair(const model::SecretAttributes& attributes) {
    const auto spec = key_pair_spec(attributes);
    if (const auto* failure = std::get_if<OrderFailure>(&spec)) return failure->status_code;
    switch (std::get<KeyPairSpec>(spec).algorithm) {
        case crypto::KeyPairAlgorithm::Rsa: return "rsa";
        case crypto::KeyPairAlgorithm::Dsa: return "dsa";
        case crypto::KeyPairAlgorithm::Ec: return "ec";
    }
    return "?";
}

TEST(KeyOrder, MakesWhatSimpleCryptoMakes) {
    EXPECT_EQ(symmetric(key("aes", 256)), "32 bytes");
    EXPECT_EQ(symmetric(key("AES", 128, "CBC")), "16 bytes");
    EXPECT_EQ(symmetric(key("aes", 512, "XTS")), "64 bytes");
    EXPECT_EQ(symmetric(key("des", 64)), "8 bytes");
    EXPECT_EQ(symmetric(key("hmacsha384", 256)), "32 bytes");
}

TEST(KeyOrder, TellsAlgorithmsFromLengths) {
    EXPECT_EQ(symmetric(key("aes", 512, "cbc")), "500");
    EXPECT_EQ(symmetric(key("aes", 256, "xts")), "32 bytes");
    EXPECT_EQ(symmetric(key("des", 56)), "500");
    EXPECT_EQ(symmetric(key("hmacsha512", 512)), "500");
    EXPECT_EQ(symmetric(key("rsa", 2048)), "400");
    EXPECT_EQ(symmetric(key("desede", 168)), "400");
    EXPECT_EQ(symmetric(key("3des", 192)), "400");
    EXPECT_EQ(symmetric(key("rot13", 128)), "400");
}

TEST(KeyOrder, MakesPairsOnTheCurvesOfNist) {
    for (const int bits : {256, 384, 521}) EXPECT_EQ(pair(key("EC", bits)), "ec");
    EXPECT_EQ(pair(key("ec", 255)), "400");
    EXPECT_EQ(pair(key("ec", 512)), "400");
}

TEST(KeyOrder, MakesRsaAndDsaPairs) {
    EXPECT_EQ(pair(key("rsa", 1024)), "rsa");
    EXPECT_EQ(pair(key("RSA", 4096)), "rsa");
    EXPECT_EQ(pair(key("dsa", 2048)), "dsa");
    EXPECT_EQ(pair(key("rsa", 512)), "500");
    EXPECT_EQ(pair(key("rsa", 3072)), "500");
    EXPECT_EQ(pair(key("dsa", 4096)), "500");
    EXPECT_EQ(pair(key("aes", 256)), "400");
    EXPECT_EQ(pair(key("rot13", 256)), "400");
}

}  // namespace
}  // namespace sallyport::core
