#include "keymanager/crypto/fernet.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"
#include "tests/vectors/vector_file.h"

namespace sallyport::crypto {
namespace {

SecureBytes secret(std::string_view text) { return *SecureBytes::copy_of(bytes_of(text)); }
SecureBytes secret_hex(std::string_view hex) { return *SecureBytes::copy_of(*from_hex(hex)); }
Fernet key_of(std::string_view text) { return *Fernet::from_text(bytes_of(text)); }
Timestamp at(const std::string& seconds) { return Timestamp(std::chrono::seconds(std::stol(seconds))); }

Fernet::Iv iv_of(std::string_view hex) {
    Fernet::Iv iv{};
    std::ranges::copy(*from_hex(hex), iv.begin());
    return iv;
}

// The example of the Fernet spec itself (generate.json and verify.json).
constexpr auto SpecKey = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";
constexpr auto SpecToken =
    "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";

TEST(Fernet, MakesTheTokenOfTheSpec) {
    const auto token =
        key_of(SpecKey).encrypt_with_iv(secret("hello"), at("499162800"), iv_of("000102030405060708090a0b0c0d0e0f"));
    ASSERT_TRUE(token);
    EXPECT_EQ(*token, SpecToken);
}

TEST(Fernet, OpensTheTokenOfTheSpec) {
    const auto plain = key_of(SpecKey).decrypt(SpecToken);
    ASSERT_TRUE(plain);
    EXPECT_EQ(text_of(plain->reveal()), "hello");
}

TEST(Fernet, MakesAndOpensWhatPythonsCryptographyMade) {
    const auto vectors = read_vectors("crypto/fernet.vec");
    ASSERT_EQ(vectors.size(), 10u);
    for (Vector v : vectors) {
        const Fernet key = key_of(v["Key"]);
        EXPECT_EQ(*key.encrypt_with_iv(secret_hex(v["Plain"]), at(v["Time"]), iv_of(v["Iv"])), v["Token"]);
        const auto plain = key.decrypt(v["Token"]);
        ASSERT_TRUE(plain) << v["Token"].substr(0, 40);
        EXPECT_EQ(to_hex(plain->reveal()), v["Plain"]);
    }
}

TEST(Fernet, RejectsATokenOfWhichAnyByteChanged) {
    const Fernet key = key_of(SpecKey);
    const Bytes token = *from_base64(SpecToken, Base64Alphabet::UrlSafe);
    for (std::size_t i = 0; i < token.size(); ++i) {
        Bytes changed = token;
        changed[i] ^= std::byte{1};
        const auto plain = key.decrypt(to_base64(changed, Base64Alphabet::UrlSafe));
        ASSERT_FALSE(plain) << i;
        EXPECT_EQ(plain.error().code, i == 0 ? Code::InvalidInput : Code::WrongKey) << i;
    }
}

TEST(Fernet, RejectsATokenOfAnotherKey) {
    const auto plain = Fernet::generate()->decrypt(SpecToken);
    ASSERT_FALSE(plain);
    EXPECT_EQ(plain.error().code, Code::WrongKey);
}

TEST(Fernet, RejectsWhatIsNoToken) {
    const Fernet key = key_of(SpecKey);
    const Bytes token = *from_base64(SpecToken, Base64Alphabet::UrlSafe);
    for (std::size_t size = 0; size < token.size(); ++size) {
        EXPECT_FALSE(key.decrypt(to_base64(std::span(token).first(size), Base64Alphabet::UrlSafe))) << size;
    }
    for (const char* text :
         {"", "%%%%", "gAAAAA", "not a token at all, but long enough to be looked at twice or more often!"}) {
        const auto plain = key.decrypt(text);
        ASSERT_FALSE(plain) << text;
        EXPECT_EQ(plain.error().code, Code::InvalidInput) << text;
    }
}

// invalid.json of the spec, "incorrect IV (causes padding error)": the HMAC is right, what is inside is not.
TEST(Fernet, RejectsWrongPaddingUnderARightHmac) {
    const auto plain = key_of(SpecKey).decrypt(
        "gAAAAAAdwJ6xBQECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAkLhFLHpGtDBRLRTZeUfWgHSv49TF2AUEZ1TIvcZjK1zQ==");
    ASSERT_FALSE(plain);
    EXPECT_EQ(plain.error().code, Code::Corrupt);
}

TEST(Fernet, TakesAFreshIvForEveryToken) {
    const Fernet key = key_of(SpecKey);
    std::set<std::string> tokens;
    for (int i = 0; i < 100; ++i) tokens.insert(*key.encrypt(secret("same"), at("0")));
    EXPECT_EQ(tokens.size(), 100u);
}

TEST(Fernet, GeneratesKeysThatReadBack) {
    const Fernet key = *Fernet::generate();
    const auto text = key.text();
    ASSERT_TRUE(text);
    EXPECT_EQ(text->size(), 44u);
    const Fernet again = *Fernet::from_text(text->reveal());
    EXPECT_EQ(text_of(again.decrypt(*key.encrypt(secret("x"), at("1")))->reveal()), "x");
}

TEST(Fernet, RejectsKeysOfAnotherLengthOrAlphabet) {
    for (const char* text :
         {"", "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4",
          "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4==", "cw/0x689RpI+jtRR7oE8h/eQsKImvJapLeSbXpwF4e4=",
          "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e==", "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4\n"}) {
        const auto key = Fernet::from_text(bytes_of(text));
        ASSERT_FALSE(key) << text;
        EXPECT_EQ(key.error().code, Code::InvalidInput);
    }
    EXPECT_FALSE(Fernet::from_bytes(secret("too short")));
}

}  // namespace
}  // namespace sallyport::crypto
