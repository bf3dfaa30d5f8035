#include "keymanager/crypto/hkdf.h"

#include <gtest/gtest.h>

#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"

namespace sallyport::crypto {
namespace {

SecureBytes secret_hex(std::string_view hex) { return *SecureBytes::copy_of(*from_hex(hex)); }

std::string derived(std::string_view key, std::string_view salt, std::string_view info, std::size_t size) {
    const auto out = hkdf_sha256(secret_hex(key), *from_hex(salt), *from_hex(info), size);
    return out ? to_hex(out->reveal()) : out.error().message;
}

// RFC 5869, appendix A.
TEST(Hkdf, DerivesTheFirstVectorOfTheRfc) {
    EXPECT_EQ(derived("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
                      "f0f1f2f3f4f5f6f7f8f9", 42),
              "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
}

TEST(Hkdf, DerivesTheThirdVectorOfTheRfcWithoutSaltAndInfo) {
    EXPECT_EQ(derived("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "", 42),
              "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST(Hkdf, GivesEveryPurposeAnotherKey) {
    const SecureBytes key = secret_hex("00112233");
    const auto one = hkdf_sha256(key, {}, bytes_of("one"), 32), two = hkdf_sha256(key, {}, bytes_of("two"), 32);
    EXPECT_NE(to_hex(one->reveal()), to_hex(two->reveal()));
}

TEST(Hkdf, RefusesWhatItCannotMake) {
    const SecureBytes key = secret_hex("00112233");
    EXPECT_EQ(hkdf_sha256(key, {}, {}, 0).error().code, Code::InvalidInput);
    EXPECT_EQ(hkdf_sha256(key, {}, {}, 255 * 32 + 1).error().code, Code::InvalidInput);
    EXPECT_TRUE(hkdf_sha256(key, {}, {}, 255 * 32));
}

}  // namespace
}  // namespace sallyport::crypto
