#include "integrations/image/public_key.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "image_fixtures.h"

namespace sallyport::image {
namespace {

TEST(PublicKey, TellsWhatItIs) {
    const auto rsa = Key::of(fixtures::vector_certificate("rsa3072"));
    ASSERT_TRUE(rsa);
    EXPECT_EQ(rsa->kind(), KeyKind::Rsa);
    EXPECT_EQ(rsa->bits(), 3072);
    EXPECT_EQ(rsa->description(), "RSA, 3072 bits");
    const auto ec = Key::of(fixtures::vector_certificate("ecc_sect409r1"));
    EXPECT_EQ(ec->kind(), KeyKind::Ec);
    EXPECT_EQ(ec->description(), "EC, curve sect409r1");
    EXPECT_EQ(Key::of(fixtures::vector_certificate("dsa2048"))->kind(), KeyKind::Dsa);
    const auto other = Key::of(fixtures::vector_certificate("ed25519"));
    EXPECT_EQ(other->kind(), KeyKind::Other);
    EXPECT_EQ(other->description(), "ED25519");
}

TEST(PublicKey, UnderTheAlgorithmOfPssIsAnRsaKeyLikeAnyOther) {
    const crypto::PkeyCtx context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA-PSS", nullptr));
    ASSERT_EQ(EVP_PKEY_keygen_init(context.get()), 1);
    EVP_PKEY* made = nullptr;
    ASSERT_EQ(EVP_PKEY_generate(context.get(), &made), 1);
    const crypto::Pkey pss(made);
    const Certificate certificate = fixtures::make_certificate({}, pss.get(), pss.get());
    const auto key = Key::of(certificate);
    ASSERT_TRUE(key) << key.error().message;
    EXPECT_EQ(key->kind(), KeyKind::Rsa);
    EXPECT_EQ(key->bits(), 2048);
}

TEST(PublicKey, WithACurveThatIsSpelledOutIsRefused) {
    const crypto::Pkey key = fixtures::make_key("EC:secp384r1");
    ASSERT_EQ(EVP_PKEY_set_utf8_string_param(key.get(), OSSL_PKEY_PARAM_EC_ENCODING, OSSL_PKEY_EC_ENCODING_EXPLICIT),
              1);
    const Certificate certificate = fixtures::make_certificate({}, key.get(), key.get());
    const auto refused = Key::of(certificate);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::Refused);
}

}  // namespace
}  // namespace sallyport::image
