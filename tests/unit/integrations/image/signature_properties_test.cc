#include "integrations/image/signature_properties.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sallyport::image {
namespace {

constexpr std::string_view Whole = R"({"id": "i", "img_signature": "QUJD", "img_signature_hash_method": "SHA-256",
    "img_signature_key_type": "RSA-PSS", "img_signature_certificate_uuid": "c"})";

ImageProperties whole() { return *parse_image_properties(Whole); }

TEST(SignatureProperties, StandAtTheTopOrBelowProperties) {
    EXPECT_EQ(presence_of(whole()), Presence::All);
    EXPECT_EQ(whole().image_id, "i");
    const auto nested = parse_image_properties(R"({"id": "i", "properties": {"img_signature": "QUJD"}})");
    ASSERT_TRUE(nested);
    EXPECT_EQ(nested->signature, "QUJD");
    EXPECT_EQ(presence_of(*nested), Presence::Some);
}

TEST(SignatureProperties, OfAnUnsignedImageAreNone) {
    EXPECT_EQ(presence_of(*parse_image_properties("{}")), Presence::None);
    EXPECT_EQ(presence_of(*parse_image_properties(R"({"properties": {"os": "x"}, "id": "i"})")), Presence::None);
    EXPECT_EQ(presence_of(*parse_image_properties(R"({"img_signature": null, "properties": "a='b'"})")),
              Presence::None);
}

TEST(SignatureProperties, ThatAreNoTextAreRefused) {
    for (const char* bad : {"", "[]", "7", "{", R"({"img_signature": 7})", R"({"img_signature_key_type": ["DSA"]})",
                            R"({"properties": {"img_signature_hash_method": {}}})", R"({"id": 7})",
                            R"({"img_signature": "a", "properties": {"img_signature": "b"}})"}) {
        const auto parsed = parse_image_properties(bad);
        ASSERT_FALSE(parsed) << bad;
        EXPECT_EQ(parsed.error().code, Code::InvalidInput) << bad;
    }
    EXPECT_TRUE(parse_image_properties(R"({"img_signature": "a", "properties": {"img_signature": "a"}})"));
}

TEST(SignatureProperties, AreClaimedInCursivesOrder) {
    ImageProperties none;
    const auto first_of = [&none] { return read_claim(none, Rules::Cursive).error().message; };
    using testing::HasSubstr;
    EXPECT_THAT(first_of(), HasSubstr("Missing property: img_signature_uuid."));
    none.certificate_uuid = "c";
    EXPECT_THAT(first_of(), HasSubstr("Missing property: img_signature_hash_method."));
    none.hash_method = "MD5";
    EXPECT_THAT(first_of(), HasSubstr("Missing property: img_signature."));
    none.signature = "A";
    EXPECT_THAT(first_of(), HasSubstr("Missing property: img_signature_key_type."));
    none.key_type = "RSA";
    EXPECT_THAT(first_of(), HasSubstr("The signature data was not properly encoded using base64."));
    none.signature = "QUJD";
    EXPECT_THAT(first_of(), HasSubstr("Invalid signature hash method: MD5."));
    none.hash_method = "SHA-224";
    EXPECT_THAT(first_of(), HasSubstr("Invalid signature key type: RSA."));
    none.key_type = "DSA";
    EXPECT_TRUE(read_claim(none, Rules::Cursive));
}

TEST(SignatureProperties, MayBreakTheLinesOfBase64) {
    ImageProperties image = whole();
    image.signature = " QU\r\nJD\t\n";
    for (const Rules rules : {Rules::Strict, Rules::Cursive}) {
        const auto claim = read_claim(image, rules);
        ASSERT_TRUE(claim);
        EXPECT_EQ(text_of(claim->signature), "ABC");
    }
}

TEST(SignatureProperties, WithForeignCharactersAreDecodedAsPythonDoesOrRefused) {
    ImageProperties image = whole();
    image.signature = "-Q_U!JDRA==trailing";
    EXPECT_EQ(text_of(read_claim(image, Rules::Cursive)->signature), "ABCD");
    EXPECT_FALSE(read_claim(image, Rules::Strict));
    image.signature = "QUJD\xc3\xa4";
    EXPECT_FALSE(read_claim(image, Rules::Cursive)) << "Python takes ASCII alone";
    EXPECT_FALSE(read_claim(image, Rules::Strict));
}

}  // namespace
}  // namespace sallyport::image
