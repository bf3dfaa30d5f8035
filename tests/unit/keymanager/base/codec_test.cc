#include "keymanager/base/codec.h"

#include <gtest/gtest.h>

namespace sallyport {
namespace {

// RFC 4648, section 10.
TEST(Codec, EncodesTheVectorsOfRfc4648) {
    const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                           {"f", "Zg=="},
                                                           {"fo", "Zm8="},
                                                           {"foo", "Zm9v"},
                                                           {"foob", "Zm9vYg=="},
                                                           {"fooba", "Zm9vYmE="},
                                                           {"foobar", "Zm9vYmFy"}};
    for (const auto& [plain, coded] : vectors) {
        EXPECT_EQ(to_base64(bytes_of(plain)), coded);
        EXPECT_EQ(text_of(*from_base64(coded)), plain);
    }
    EXPECT_EQ(to_hex(bytes_of("foobar")), "666f6f626172");
    EXPECT_EQ(text_of(*from_hex("666F6f626172")), "foobar");
}

TEST(Codec, KnowsTheUrlSafeAlphabet) {
    const Bytes bytes{std::byte{0xfb}, std::byte{0xff}};
    EXPECT_EQ(to_base64(bytes), "+/8=");
    EXPECT_EQ(to_base64(bytes, Base64Alphabet::UrlSafe), "-_8=");
    EXPECT_EQ(*from_base64("-_8=", Base64Alphabet::UrlSafe), bytes);
    EXPECT_FALSE(from_base64("-_8="));
}

TEST(Codec, StrictBase64RefusesForeignCharactersAndBadPadding) {
    for (const char* text : {"Zg", "Zg=", "Zg==x", "Z g==", "Zg==\n", "=", "Z===", "Zg===", "Zm9v!"}) {
        EXPECT_FALSE(from_base64(text)) << text;
    }
}

// What Python 3.11's base64.b64decode(text) says.
TEST(Codec, LenientBase64DropsForeignCharactersAsPythonDoes) {
    const auto lenient = [](std::string_view text) -> std::string {
        const auto bytes = from_base64(text, Base64Alphabet::Standard, Base64Strictness::Lenient);
        return bytes ? std::string(text_of(*bytes)) : "refused";
    };
    EXPECT_EQ(lenient("Z g = =\n"), "f");
    EXPECT_EQ(lenient("!!"), "");
    EXPECT_EQ(lenient("Zm9v!Zg=="), "foof");
    EXPECT_EQ(lenient("Zg==x"), "f");
    EXPECT_EQ(lenient("Zg="), "refused");
    EXPECT_EQ(lenient("Z"), "refused");
    EXPECT_EQ(lenient("Zm9vZ"), "refused");
}

TEST(Codec, SecureFormsAgreeWithThePlainOnes) {
    const auto secret = SecureBytes::copy_of(bytes_of("foobar"));
    const auto hex = to_hex_secure(*secret), coded = to_base64_secure(*secret),
               plain = from_hex_secure(bytes_of("666f"));
    EXPECT_EQ(text_of(hex->reveal()), "666f6f626172");
    EXPECT_EQ(text_of(coded->reveal()), "Zm9vYmFy");
    const auto decoded = from_base64_secure(bytes_of("Zm9vYmE="));
    EXPECT_EQ(text_of(decoded->reveal()), "fooba");
    EXPECT_EQ(text_of(plain->reveal()), "fo");
    EXPECT_FALSE(from_hex_secure(bytes_of("666")));
    EXPECT_FALSE(from_hex_secure(bytes_of("6g")));
    EXPECT_FALSE(from_base64_secure(bytes_of("Zm9")));
}

}  // namespace
}  // namespace sallyport
