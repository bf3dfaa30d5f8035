#include "integrations/image/certificate.h"

#include <gtest/gtest.h>

#include "image_fixtures.h"

namespace sallyport::image {
namespace {

TEST(Certificate, IsTheSameInPemAndInDer) {
    const Certificate pem = fixtures::vector_certificate("rsa2048");
    const auto der = Certificate::parse(pem.der());
    ASSERT_TRUE(der);
    EXPECT_EQ(*der, pem);
    EXPECT_EQ(pem.subject(), "CN=rsa2048");
    // openssl x509 -in certs/rsa2048.pem -noout -fingerprint -sha256
    EXPECT_EQ(*pem.fingerprint(), "8b6d3de1d40644bb47dcb84d961f88d7dadc077b23c06180e332a6b7dd887782");
    EXPECT_FALSE(fixtures::vector_certificate("rsa4096") == pem);
}

TEST(Certificate, IsValidOnBothOfItsDates) {
    const Certificate certificate = fixtures::vector_certificate("rsa2048");
    EXPECT_EQ(certificate.not_before(), *parse_iso8601("2020-01-01T00:00:00"));
    EXPECT_EQ(certificate.not_after(), *parse_iso8601("2049-12-31T00:00:00"));
    EXPECT_TRUE(certificate.is_valid_at(certificate.not_before()));
    EXPECT_TRUE(certificate.is_valid_at(certificate.not_after()));
    EXPECT_FALSE(certificate.is_valid_at(certificate.not_before() - std::chrono::microseconds(1)));
    EXPECT_FALSE(certificate.is_valid_at(certificate.not_after() + std::chrono::microseconds(1)));
}

TEST(Certificate, BundlesAreReadWhole) {
    Bytes bundle = fixtures::vector_file("certs/rsa2048.pem");
    const Bytes other = fixtures::vector_file("certs/ed25519.pem");
    bundle.insert(bundle.end(), other.begin(), other.end());
    const auto all = Certificate::parse_all(bundle);
    ASSERT_TRUE(all);
    ASSERT_EQ(all->size(), 2U);
    EXPECT_EQ(all->at(1).subject(), "CN=ed25519");
    EXPECT_EQ(Certificate::parse(bundle)->subject(), "CN=rsa2048");
}

TEST(Certificate, MalformedOnesAreRefused) {
    const std::string pem(text_of(fixtures::vector_file("certs/rsa2048.pem")));
    Bytes trailing = fixtures::vector_certificate("rsa2048").der();
    trailing.push_back(std::byte{0});
    const std::string encrypted =
        "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,"
        "00112233445566778899AABBCCDDEEFF\n\nAAAA\n-----END CERTIFICATE-----\n";
    for (const std::string& bad :
         {std::string(), std::string("x"), pem.substr(0, pem.size() / 2), encrypted, std::string(text_of(trailing)),
          std::string(text_of(fixtures::vector_file("keys/rsa2048.key.pem"))),
          "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" + pem}) {
        const auto parsed = Certificate::parse(bytes_of(bad));
        ASSERT_FALSE(parsed) << bad;
        EXPECT_EQ(parsed.error().code, Code::InvalidInput);
    }
}

TEST(Certificate, EveryByteMayBeWrong) {
    const Bytes good = fixtures::vector_certificate("leaf-inter").der();
    for (std::size_t i = 0; i < good.size(); ++i) {
        Bytes bad = good;
        bad[i] ^= std::byte{0x81};
        const auto parsed = Certificate::parse(bad);
        EXPECT_FALSE(parsed && parsed->der() == good) << i;
    }
}

}  // namespace
}  // namespace sallyport::image
