#include "keymanager/crypto/aead.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "keymanager/base/codec.h"
#include "tests/vectors/vector_file.h"

namespace sallyport::crypto {
namespace {

SecureBytes secret_hex(std::string_view hex) { return *SecureBytes::copy_of(*from_hex(hex)); }

AeadNonce nonce_of(std::string_view hex) {
    AeadNonce nonce{};
    std::ranges::copy(*from_hex(hex), nonce.begin());
    return nonce;
}

TEST(Aead, SealsAndOpensWhatPythonsCryptographyDid) {
    const auto vectors = read_vectors("crypto/aead.vec");
    ASSERT_EQ(vectors.size(), 7u);
    for (Vector v : vectors) {
        const SecureBytes key = secret_hex(v["Key"]);
        const Bytes associated = *from_hex(v["Associated"]);
        const auto sealed = aead_seal(key, nonce_of(v["Nonce"]), associated, secret_hex(v["Plain"]));
        ASSERT_TRUE(sealed);
        EXPECT_EQ(to_hex(*sealed), v["Sealed"]);
        const auto plain = aead_open(key, nonce_of(v["Nonce"]), associated, *sealed);
        ASSERT_TRUE(plain);
        EXPECT_EQ(to_hex(plain->reveal()), v["Plain"]);
    }
}

class AeadBroken : public testing::Test {
protected:
    void SetUp() override {
        Vector v = read_vectors("crypto/aead.vec").at(4);
        key_ = secret_hex(v["Key"]);
        nonce_ = nonce_of(v["Nonce"]);
        associated_ = *from_hex(v["Associated"]);
        sealed_ = *from_hex(v["Sealed"]);
    }
    void expect_corrupt() {
        const auto plain = aead_open(key_, nonce_, associated_, sealed_);
        ASSERT_FALSE(plain);
        EXPECT_EQ(plain.error().code, Code::Corrupt);
    }
    SecureBytes key_;
    AeadNonce nonce_{};
    Bytes associated_, sealed_;
};

TEST_F(AeadBroken, ByAnyChangedByteOfCiphertextOrTag) {
    for (std::byte& byte : sealed_) {
        byte ^= std::byte{0x80};
        expect_corrupt();
        byte ^= std::byte{0x80};
    }
    EXPECT_TRUE(aead_open(key_, nonce_, associated_, sealed_));
}

TEST_F(AeadBroken, ByOtherAssociatedData) {
    associated_.front() ^= std::byte{1};
    expect_corrupt();
    associated_.clear();
    expect_corrupt();
}

TEST_F(AeadBroken, ByAnotherNonceOrKey) {
    nonce_[0] ^= std::byte{1};
    expect_corrupt();
    nonce_[0] ^= std::byte{1};
    key_.writable()[0] ^= std::byte{1};
    expect_corrupt();
}

TEST_F(AeadBroken, ByTruncation) {
    while (!sealed_.empty()) {
        sealed_.pop_back();
        expect_corrupt();
    }
}

TEST_F(AeadBroken, ByAKeyOfAnotherLength) {
    key_.truncate(16);
    EXPECT_EQ(aead_open(key_, nonce_, associated_, sealed_).error().code, Code::InvalidInput);
    EXPECT_EQ(aead_seal(key_, nonce_, associated_, key_).error().code, Code::InvalidInput);
}

}  // namespace
}  // namespace sallyport::crypto
