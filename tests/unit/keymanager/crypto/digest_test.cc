#include "keymanager/crypto/digest.h"

#include <gtest/gtest.h>

#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"

namespace sallyport::crypto {
namespace {

// RFC 4231, sections 4.2 and 4.3.
TEST(HmacSha256, MakesTheVectorsOfTheRfc) {
    const Bytes first(20, std::byte{0x0b});
    EXPECT_EQ(to_hex(*hmac_sha256(first, bytes_of("Hi There"))),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    constexpr auto Second = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    EXPECT_EQ(to_hex(*hmac_sha256(bytes_of("Jefe"), bytes_of("what do ya want for nothing?"))), Second);
    EXPECT_EQ(to_hex(hmac_sha256_secret(bytes_of("Jefe"), bytes_of("what do ya want for nothing?"))->reveal()), Second);
}

// hashlib and hmac of Python 3.11.
TEST(HmacSha256, TakesAnEmptyKeyAndAnEmptyMessage) {
    EXPECT_EQ(to_hex(*hmac_sha256({}, {})), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

// FIPS 180-4, the example "abc".
TEST(Sha256, MakesTheExampleOfTheStandard) {
    EXPECT_EQ(to_hex(*sha256(bytes_of("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_NE(to_hex(*sha256(bytes_of("abd"))), to_hex(*sha256(bytes_of("abc"))));
}

TEST(Digest, AKeptHmacKeySignsAsTheFunctionDoes) {
    for (const std::size_t size : {0U, 1U, 32U, 64U, 65U, 200U}) {
        const Bytes key(size, std::byte{0x5a});
        auto kept = HmacKey::make(key);
        ASSERT_TRUE(kept);
        for (const std::string_view text : {"", "a message", "another, longer than the one before it"}) {
            const auto expected = hmac_sha256(key, bytes_of(text));
            const auto whole = kept->sign({bytes_of(text)});
            const auto parts =
                kept->sign({bytes_of(text.substr(0, text.size() / 2)), bytes_of(text.substr(text.size() / 2))});
            ASSERT_TRUE(expected && whole && parts);
            EXPECT_EQ(*whole, *expected);
            EXPECT_EQ(*parts, *expected);
        }
    }
}

}  // namespace
}  // namespace sallyport::crypto
