#include "integrations/image/signer.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/pem.h>

#include "image_fixtures.h"
#include "integrations/image/signature.h"
#include "keymanager/base/codec.h"

namespace sallyport::image {
namespace {

constexpr std::string_view Image = "an image";

SecureBytes secure(std::string_view text) { return *SecureBytes::copy_of(bytes_of(text)); }

SecureBytes in_pem(EVP_PKEY* key, const char* passphrase) {
    const crypto::Bio bio(BIO_new(BIO_s_mem()));
    const int length = passphrase == nullptr ? 0 : static_cast<int>(std::string_view(passphrase).size());
    PEM_write_bio_PKCS8PrivateKey(bio.get(), key, passphrase == nullptr ? nullptr : EVP_aes_256_cbc(), passphrase,
                                  length, nullptr, nullptr);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return secure({data, static_cast<std::size_t>(size)});
}

Result<void> judge(const std::string& certificate, const ImageSigner& signer, HashMethod method, Bytes signature) {
    SignatureVerifier verifier =
        TRY(SignatureVerifier::create({std::move(signature), method, signer.key_type(), "c"},
                                      fixtures::vector_certificate(certificate), Rules::Strict, fixtures::judged_at()));
    TRY(verifier.update(bytes_of(Image)));
    return verifier.finish();
}

class Signers : public testing::TestWithParam<std::pair<std::string, KeyType>> {};

TEST_P(Signers, MakeWhatTheirCertificateVerifies) {
    const auto& [name, type] = GetParam();
    for (const HashMethod method : {HashMethod::Sha224, HashMethod::Sha512}) {
        auto signer = ImageSigner::create(fixtures::vector_key(name), std::nullopt, method);
        ASSERT_TRUE(signer) << signer.error().message;
        EXPECT_EQ(signer->key_type(), type);
        EXPECT_TRUE(signer->belongs_to(*Key::of(fixtures::vector_certificate(name))));
        EXPECT_FALSE(signer->belongs_to(*Key::of(fixtures::vector_certificate("leaf-root"))));
        ASSERT_TRUE(signer->update(bytes_of(Image)));
        Bytes signature = *signer->finish();
        EXPECT_TRUE(judge(name, *signer, method, signature));
        signature.back() ^= std::byte{1};
        EXPECT_EQ(judge(name, *signer, method, signature).error().code, Code::Corrupt);
    }
}

INSTANTIATE_TEST_SUITE_P(KeyTypes, Signers,
                         testing::Values(std::pair("rsa2048", KeyType::RsaPss), std::pair("dsa2048", KeyType::Dsa),
                                         std::pair("ecc_secp384r1", KeyType::EccSecp384r1),
                                         std::pair("ecc_secp521r1", KeyType::EccSecp521r1),
                                         std::pair("ecc_sect409k1", KeyType::EccSect409k1),
                                         std::pair("ecc_sect409r1", KeyType::EccSect409r1),
                                         std::pair("ecc_sect571k1", KeyType::EccSect571k1),
                                         std::pair("ecc_sect571r1", KeyType::EccSect571r1)),
                         [](const auto& each) { return each.param.first; });

TEST(Signer, TakesAnEncryptedKeyWithItsPassphrase) {
    const crypto::Pkey key = fixtures::make_key("EC:secp384r1");
    const SecureBytes encrypted = in_pem(key.get(), "open sesame");
    EXPECT_TRUE(ImageSigner::create(encrypted, secure("open sesame"), HashMethod::Sha256));
    EXPECT_EQ(ImageSigner::create(encrypted, secure("wrong"), HashMethod::Sha256).error().code, Code::WrongKey);
    EXPECT_EQ(ImageSigner::create(encrypted, std::nullopt, HashMethod::Sha256).error().code, Code::InvalidInput);
}

TEST(Signer, RefusesKeysThatNoImageIsSignedWith) {
    for (const char* kind : {"EC:prime256v1", "ED25519"}) {
        const crypto::Pkey key = fixtures::make_key(kind);
        EXPECT_EQ(ImageSigner::create(in_pem(key.get(), nullptr), std::nullopt, HashMethod::Sha256).error().code,
                  Code::Refused)
            << kind;
    }
    for (const std::string_view bad : {"", "-----BEGIN PRIVATE KEY-----", "\x30\x03\x02\x01\x01"}) {
        EXPECT_EQ(ImageSigner::create(secure(bad), std::nullopt, HashMethod::Sha256).error().code, Code::InvalidInput);
    }
    const SecureBytes certificate = *SecureBytes::copy_of(fixtures::vector_file("certs/rsa2048.pem"));
    EXPECT_FALSE(ImageSigner::create(certificate, std::nullopt, HashMethod::Sha256));
}

}  // namespace
}  // namespace sallyport::image
