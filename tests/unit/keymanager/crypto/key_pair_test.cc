#include "keymanager/crypto/key_pair.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>

#include <string>

#include "keymanager/base/bytes.h"
#include "keymanager/crypto/openssl_handle.h"

namespace sallyport::crypto {
namespace {

Bio bio_of(const SecureBytes& bytes) {
    return Bio(BIO_new_mem_buf(bytes.reveal().data(), static_cast<int>(bytes.size())));
}

Pkey private_pem(const KeyPair& pair, const char* passphrase) {
    const Bio bio = bio_of(pair.private_key);
    std::string word = passphrase;
    Pkey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, word.data()));
    openssl_detail();  // empties the queue of errors
    return key;
}

TEST(KeyPair, RsaIsPemOfPkcs8AndSubjectPublicKeyInfo) {
    const auto pair = generate_key_pair(KeyPairAlgorithm::Rsa, 1024, std::nullopt);
    ASSERT_TRUE(pair);
    EXPECT_TRUE(text_of(pair->private_key.reveal()).starts_with("-----BEGIN PRIVATE KEY-----"));
    EXPECT_TRUE(text_of(pair->public_key.reveal()).starts_with("-----BEGIN PUBLIC KEY-----"));
    const Pkey key = private_pem(*pair, "");
    const Bio bio = bio_of(pair->public_key);
    const Pkey other(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
    ASSERT_TRUE(key != nullptr && other != nullptr);
    EXPECT_EQ(EVP_PKEY_bits(key.get()), 1024);
    EXPECT_EQ(EVP_PKEY_eq(key.get(), other.get()), 1);
}

TEST(KeyPair, APassphraseEncryptsThePrivateKey) {
    const auto passphrase = std::optional(*SecureBytes::copy_of(bytes_of("pw")));
    const auto pair = generate_key_pair(KeyPairAlgorithm::Rsa, 1024, passphrase);
    ASSERT_TRUE(pair);
    EXPECT_TRUE(text_of(pair->private_key.reveal()).starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    EXPECT_NE(private_pem(*pair, "pw"), nullptr);
    EXPECT_EQ(private_pem(*pair, "wrong"), nullptr);
}

TEST(KeyPair, DsaIsDer) {
    const auto pair = generate_key_pair(KeyPairAlgorithm::Dsa, 1024, std::nullopt);
    ASSERT_TRUE(pair);
    const Bio bio = bio_of(pair->private_key);
    const Pkey key(d2i_PrivateKey_bio(bio.get(), nullptr));
    const Bio public_bio = bio_of(pair->public_key);
    const Pkey other(d2i_PUBKEY_bio(public_bio.get(), nullptr));
    ASSERT_TRUE(key != nullptr && other != nullptr);
    EXPECT_EQ(EVP_PKEY_base_id(key.get()), EVP_PKEY_DSA);
    EXPECT_EQ(EVP_PKEY_eq(key.get(), other.get()), 1);
}

TEST(KeyPair, EcIsPemOnANamedCurve) {
    for (const int bits : {256, 384, 521}) {
        const auto pair = generate_key_pair(KeyPairAlgorithm::Ec, bits, std::nullopt);
        ASSERT_TRUE(pair);
        EXPECT_TRUE(text_of(pair->private_key.reveal()).starts_with("-----BEGIN PRIVATE KEY-----"));
        const Pkey key = private_pem(*pair, "");
        const Bio bio = bio_of(pair->public_key);
        const Pkey other(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
        ASSERT_TRUE(key != nullptr && other != nullptr);
        EXPECT_EQ(EVP_PKEY_bits(key.get()), bits);
        EXPECT_EQ(EVP_PKEY_eq(key.get(), other.get()), 1);
    }
    EXPECT_EQ(generate_key_pair(KeyPairAlgorithm::Ec, 255, std::nullopt).error().code, Code::InvalidInput);
}

TEST(KeyPair, RefusesALengthThatThereIsNot) {
    const auto pair = generate_key_pair(KeyPairAlgorithm::Rsa, 100, std::nullopt);
    ASSERT_FALSE(pair);
    EXPECT_EQ(pair.error().code, Code::InvalidInput);
}

}  // namespace
}  // namespace sallyport::crypto
