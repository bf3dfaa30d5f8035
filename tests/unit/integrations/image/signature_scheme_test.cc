#include "integrations/image/signature_scheme.h"

#include <gtest/gtest.h>

#include "image_fixtures.h"

namespace sallyport::image {
namespace {

Bytes digest_of(HashMethod method, std::string_view text) {
    auto digest = ImageDigest::create(method);
    EXPECT_TRUE(digest->update(bytes_of(text)));
    return *digest->finish();
}

class Schemes : public testing::TestWithParam<std::pair<const char*, KeyType>> {};

TEST_P(Schemes, VerifyWhatTheySignedAndNothingElse) {
    const auto& [kind, type] = GetParam();
    const auto key = Key::take(fixtures::make_key(kind).release());
    for (const HashMethod method : {HashMethod::Sha224, HashMethod::Sha256, HashMethod::Sha384, HashMethod::Sha512}) {
        const Scheme scheme{type, method};
        const Bytes digest = digest_of(method, "image");
        Bytes signature = *sign_digest(*key, scheme, digest);
        EXPECT_TRUE(*signature_matches(*key, scheme, digest, signature));
        EXPECT_FALSE(*signature_matches(*key, scheme, digest_of(method, "other"), signature));
        EXPECT_FALSE(*signature_matches(*key, scheme, digest, {}));
        signature.push_back(std::byte{0});
        EXPECT_FALSE(*signature_matches(*key, scheme, digest, signature)) << "a byte too many";
        signature.resize(signature.size() - 2);
        EXPECT_FALSE(*signature_matches(*key, scheme, digest, signature));
    }
}

INSTANTIATE_TEST_SUITE_P(KeyTypes, Schemes,
                         testing::Values(std::pair("RSA:2048", KeyType::RsaPss), std::pair("RSA:2049", KeyType::RsaPss),
                                         std::pair("EC:secp521r1", KeyType::EccSecp521r1),
                                         std::pair("EC:sect409k1", KeyType::EccSect409k1)));

TEST(SignatureScheme, RefusesAKeyThatIsTooShortForTheHash) {
    const auto key = Key::take(fixtures::make_key("RSA:1024").release());
    const auto short_key = Key::take(fixtures::make_key("RSA:512").release());
    const Scheme scheme{KeyType::RsaPss, HashMethod::Sha512};
    const Bytes digest = digest_of(HashMethod::Sha512, "image");
    EXPECT_TRUE(sign_digest(*key, scheme, digest));
    EXPECT_EQ(sign_digest(*short_key, scheme, digest).error().code, Code::Refused);
    EXPECT_EQ(signature_matches(*short_key, scheme, digest, digest).error().code, Code::Refused);
}

TEST(SignatureScheme, ExplainsOtherSaltsAndPaddings) {
    const auto explained = [](std::string_view name) {
        const auto& vector = fixtures::vector_named(name);
        const auto key = Key::of(fixtures::vector_certificate("rsa2048"));
        const auto claim = read_claim(fixtures::properties_of(vector), Rules::Strict);
        const Bytes image = fixtures::vector_file("images/img-4k.bin");
        const Bytes digest = digest_of(HashMethod::Sha256, text_of(image));
        return explain_mismatch(*key, {KeyType::RsaPss, HashMethod::Sha256}, digest, claim->signature);
    };
    EXPECT_EQ(explained("neg-salt-digest"), "it was made with a shorter PSS salt; it has to be the longest, 222 bytes");
    EXPECT_EQ(explained("neg-pkcs1v15"), "it was made with PKCS #1 v1.5 padding; it has to be PSS");
    EXPECT_EQ(explained("neg-flip-signature"), "");
}

}  // namespace
}  // namespace sallyport::image
