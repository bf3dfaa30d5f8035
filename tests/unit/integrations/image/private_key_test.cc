#include "integrations/image/private_key.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/encoder.h>
#include <openssl/evp.h>

#include "image_fixtures.h"

namespace sallyport::image {
namespace {

SecureBytes encoded(EVP_PKEY* key, const char* format, const char* structure, const char* passphrase = nullptr) {
    OSSL_ENCODER_CTX* const encoder = OSSL_ENCODER_CTX_new_for_pkey(key, EVP_PKEY_KEYPAIR, format, structure, nullptr);
    if (passphrase != nullptr) {
        const auto words = bytes_of(passphrase);
        OSSL_ENCODER_CTX_set_cipher(encoder, "AES-256-CBC", nullptr);
        OSSL_ENCODER_CTX_set_passphrase(encoder, uchar(words.data()), words.size());
    }
    unsigned char* data = nullptr;
    std::size_t size = 0;
    EXPECT_EQ(OSSL_ENCODER_to_data(encoder, &data, &size), 1) << format << " " << structure;
    OSSL_ENCODER_CTX_free(encoder);
    auto bytes = SecureBytes::copy_of(std::as_bytes(std::span(data, size)));
    OPENSSL_free(data);
    return *std::move(bytes);
}

class PrivateKeys : public testing::TestWithParam<const char*> {};

TEST_P(PrivateKeys, AreTheSameInEveryForm) {
    const crypto::Pkey key = fixtures::make_key(GetParam());
    for (const char* format : {"PEM", "DER"}) {
        for (const char* structure : {"PrivateKeyInfo", "type-specific"}) {
            const auto read = read_private_key(encoded(key.get(), format, structure), std::nullopt);
            ASSERT_TRUE(read) << format << " " << structure << ": " << read.error().message;
            EXPECT_EQ(EVP_PKEY_eq(read->get(), key.get()), 1) << format << " " << structure;
        }
    }
}

TEST_P(PrivateKeys, WithABrokenByteAreRefusedOrAnotherKey) {
    const crypto::Pkey key = fixtures::make_key(GetParam());
    const SecureBytes good = encoded(key.get(), "DER", "PrivateKeyInfo");
    for (std::size_t i = 0; i < good.size(); i += 7) {
        SecureBytes bad = *good.clone();
        bad.writable()[i] ^= std::byte{0x55};
        const auto read = read_private_key(bad, std::nullopt);
        EXPECT_TRUE(read || read.error().code != Code::Internal) << i;
        bad.truncate(i);
        EXPECT_FALSE(read_private_key(bad, std::nullopt));
    }
}

INSTANTIATE_TEST_SUITE_P(Kinds, PrivateKeys,
                         testing::Values("RSA:2048", "EC:secp384r1", "EC:secp521r1", "EC:sect571k1"));

TEST(PrivateKey, OpensWithItsPassphrase) {
    const crypto::Pkey key = fixtures::make_key("RSA:2048");
    const SecureBytes sealed = encoded(key.get(), "PEM", "EncryptedPrivateKeyInfo", "open sesame");
    const auto passphrase = [](std::string_view words) { return *SecureBytes::copy_of(bytes_of(words)); };
    EXPECT_TRUE(read_private_key(sealed, passphrase("open sesame")));
    EXPECT_EQ(read_private_key(sealed, passphrase("wrong")).error().code, Code::WrongKey);
    EXPECT_EQ(read_private_key(sealed, std::nullopt).error().code, Code::InvalidInput);
}

TEST(PrivateKey, WithoutANameForItsCurveIsRefused) {
    const crypto::Pkey key = fixtures::make_key("EC:secp384r1");
    ASSERT_EQ(EVP_PKEY_set_utf8_string_param(key.get(), OSSL_PKEY_PARAM_EC_ENCODING, OSSL_PKEY_EC_ENCODING_EXPLICIT),
              1);
    EXPECT_EQ(read_private_key(encoded(key.get(), "PEM", "PrivateKeyInfo"), std::nullopt).error().code, Code::Refused);
}

}  // namespace
}  // namespace sallyport::image
