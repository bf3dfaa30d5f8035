#include "integrations/image/signature.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image_fixtures.h"

namespace sallyport::image {
namespace {

Result<void> check(const fixtures::CertificateSpec& spec, Rules rules = Rules::Strict,
                   const std::string& kind = "EC:secp384r1", KeyType type = KeyType::EccSecp384r1) {
    const crypto::Pkey key = fixtures::make_key(kind);
    const Certificate certificate = fixtures::make_certificate(spec, key.get(), key.get());
    return check_signer(certificate, *Key::of(certificate), type, rules, fixtures::judged_at());
}

std::string reason(const Result<void>& checked) { return checked ? "accepted" : checked.error().message; }

TEST(Signature, MayBeMadeWithAPlainKeyOrOneForSignatures) {
    EXPECT_TRUE(check({}));
    EXPECT_TRUE(check({.key_usage = "critical,digitalSignature"}));
}

TEST(Signature, MayNotBeMadeWithAKeyForOtherUses) {
    const Result<void> strict = check({.key_usage = "critical,keyCertSign,nonRepudiation"});
    EXPECT_THAT(reason(strict), testing::HasSubstr("digitalSignature"));
    EXPECT_TRUE(check({.key_usage = "critical,keyCertSign"}, Rules::Cursive));
}

TEST(Signature, MayNotBeMadeOutsideTheCertificatesDates) {
    using testing::StartsWith;
    const char* const words = "The certificate is outside its valid date range.";
    EXPECT_THAT(reason(check({.valid_from_days = -2, .valid_to_days = -1})), StartsWith(words));
    EXPECT_THAT(reason(check({.valid_from_days = 1, .valid_to_days = 2})), StartsWith(words));
    EXPECT_TRUE(check({.valid_from_days = 1, .valid_to_days = 2}, Rules::Cursive));
}

TEST(Signature, NeedsAKeyOfTheKindOnTheCurveAndOfTheLength) {
    using testing::HasSubstr;
    EXPECT_THAT(reason(check({}, Rules::Strict, "EC:secp521r1")), HasSubstr("the key is on the curve secp521r1"));
    EXPECT_TRUE(check({}, Rules::Cursive, "EC:prime256v1")) << "cursive does not compare curves";
    EXPECT_THAT(reason(check({}, Rules::Strict, "RSA:1024", KeyType::RsaPss)), HasSubstr("RSA, 1024 bits"));
    EXPECT_TRUE(check({}, Rules::Cursive, "RSA:1024", KeyType::RsaPss));
    EXPECT_TRUE(check({}, Rules::Strict, "RSA:2048", KeyType::RsaPss));
    for (const Rules rules : {Rules::Strict, Rules::Cursive}) {
        EXPECT_THAT(reason(check({}, rules, "RSA:2048", KeyType::Dsa)),
                    HasSubstr("Invalid public key type for signature key type: DSA."));
        EXPECT_FALSE(check({}, rules, "ED25519"));
    }
    EXPECT_THAT(reason(check({}, Rules::Cursive, "EC:secp224k1")), HasSubstr("Unsupported curve: secp224k1"));
}

TEST(Signature, UnknownCriticalExtensionsAreRefused) {
    const fixtures::CertificateSpec spec{.extension = "nsComment=critical,x"};
    EXPECT_THAT(reason(check(spec)), testing::HasSubstr("critical extension"));
    EXPECT_TRUE(check(spec, Rules::Cursive));
    EXPECT_TRUE(check({.extension = "nsComment=x"}));
}

TEST(Signature, AnEmptyOneIsToldAfterTheKey) {
    ImageProperties properties = fixtures::properties_of(fixtures::vector_named("neg-empty-signature"));
    const auto verdict = [&properties](std::string_view certificate) {
        auto claim = read_claim(properties, Rules::Cursive);
        return SignatureVerifier::create(*std::move(claim), fixtures::vector_certificate(certificate), Rules::Cursive,
                                         fixtures::judged_at())
            .error()
            .message;
    };
    EXPECT_THAT(verdict("rsa2048"), testing::HasSubstr("Error occurred while creating the verifier."));
    EXPECT_THAT(verdict("dsa2048"), testing::HasSubstr("Invalid public key type"));
}

}  // namespace
}  // namespace sallyport::image
