#include "integrations/image/certificate_chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image_fixtures.h"

namespace sallyport::image {
namespace {

using fixtures::Authority;
using fixtures::make_authority;
using fixtures::make_leaf;
using fixtures::trust_all;
using testing::HasSubstr;

constexpr const char* AnyLength = "critical,CA:TRUE";
constexpr const char* NoneBelow = "critical,CA:TRUE,pathlen:0";

std::string verdict(const Certificate& certificate, const std::vector<TrustedCertificate>& trusted) {
    const Result<void> checked = check_chain(certificate, trusted, fixtures::judged_at());
    return checked ? "trusted" : checked.error().message;
}

TEST(CertificateChain, LeadsThroughIntermediatesToARoot) {
    const Authority root = make_authority("root", AnyLength);
    const Authority middle = make_authority("middle", NoneBelow, &root);
    const Certificate leaf = make_leaf(middle);
    EXPECT_EQ(verdict(leaf, trust_all(root, middle)), "trusted");
    EXPECT_EQ(verdict(leaf, trust_all(middle, root)), "trusted");
    EXPECT_THAT(verdict(leaf, trust_all(root)), HasSubstr("Could not locate the signing certificate for the base"));
    EXPECT_THAT(verdict(leaf, {}), HasSubstr("Could not locate the signing certificate for the base"));
}

TEST(CertificateChain, MayBeginAtAnIntermediate) {
    const Authority root = make_authority("root", AnyLength);
    const Authority middle = make_authority("middle", AnyLength, &root);
    EXPECT_EQ(verdict(make_leaf(middle), trust_all(middle)), "trusted");
}

TEST(CertificateChain, IsAsLongAsEveryAuthorityAllows) {
    const Authority root = make_authority("root", NoneBelow);
    const Authority middle = make_authority("middle", AnyLength, &root);
    EXPECT_EQ(verdict(make_leaf(root), trust_all(root, middle)), "trusted");
    EXPECT_THAT(verdict(make_leaf(middle), trust_all(root, middle)),
                HasSubstr("The signing certificate 'CN=root' is not configured to support certificate chains"));
}

TEST(CertificateChain, CountsNoSelfIssuedCertificates) {
    // RFC 5280, section 6.1.4 (l): a key that was replaced under the same name takes nothing off the length.
    const Authority root = make_authority("root", NoneBelow);
    const Authority renewed = make_authority("root", NoneBelow, &root);
    EXPECT_EQ(verdict(make_leaf(renewed), trust_all(root, renewed)), "trusted");
}

TEST(CertificateChain, NeedsAuthoritiesThatSayTheyAre) {
    const Authority plain = make_authority("plain", "critical,CA:FALSE");
    EXPECT_THAT(verdict(make_leaf(plain), trust_all(plain)), HasSubstr("Could not locate"));
    const Authority unnamed = make_authority("unnamed", "");
    EXPECT_THAT(verdict(make_leaf(unnamed), trust_all(unnamed)), HasSubstr("Could not locate"));
    const Authority other_use = make_authority("other", AnyLength, nullptr, {.key_usage = "critical,cRLSign"});
    EXPECT_THAT(verdict(make_leaf(other_use), trust_all(other_use)), HasSubstr("Could not locate"));
}

TEST(CertificateChain, NeedsEveryoneInDate) {
    const Authority old = make_authority("old", AnyLength, nullptr, {.valid_from_days = -9, .valid_to_days = -3});
    EXPECT_THAT(verdict(make_leaf(old), trust_all(old)), HasSubstr("expired"));
    const Authority root = make_authority("root", AnyLength);
    EXPECT_THAT(verdict(make_leaf(root, {.valid_from_days = 1, .valid_to_days = 2}), trust_all(root)),
                HasSubstr("outside its valid date range"));
}

TEST(CertificateChain, IsNotForged) {
    const Authority root = make_authority("root", AnyLength);
    const Authority namesake = make_authority("root", AnyLength);
    EXPECT_THAT(verdict(make_leaf(namesake), trust_all(root)), HasSubstr("Could not locate"));
    EXPECT_EQ(verdict(make_leaf(namesake), trust_all(root, namesake)), "trusted");
}

TEST(CertificateChain, TakesNoWeakHash) {
    const Authority root = make_authority("root", AnyLength);
    EXPECT_THAT(verdict(make_leaf(root, {.digest = "SHA1"}), trust_all(root)), HasSubstr("too weak"));
    EXPECT_EQ(verdict(make_leaf(root, {.digest = "SHA384"}), trust_all(root)), "trusted");
}

TEST(CertificateChain, TakesCertificatesSignedWithPss) {
    Authority root{fixtures::make_key("RSA:2048"), fixtures::vector_certificate("rsa2048")};
    root.certificate = fixtures::make_certificate(
        {.subject = "pss", .basic_constraints = AnyLength, .key_usage = fixtures::CertSign, .signed_with_pss = true},
        root.key.get(), root.key.get());
    EXPECT_EQ(verdict(make_leaf(root, {.signed_with_pss = true}), trust_all(root)), "trusted");
}

TEST(CertificateChain, MindsNameConstraints) {
    const Authority root = make_authority("root", AnyLength, nullptr,
                                          {.extension = "nameConstraints=critical,permitted;DNS:images.example"});
    EXPECT_EQ(verdict(make_leaf(root, {.extension = "subjectAltName=DNS:a.images.example"}), trust_all(root)),
              "trusted");
    EXPECT_THAT(verdict(make_leaf(root, {.extension = "subjectAltName=DNS:b.example"}), trust_all(root)),
                HasSubstr("permitted subtree"));
}

TEST(CertificateChain, MayBeTheCertificateItself) {
    const Certificate alone = fixtures::vector_certificate("rsa2048");
    std::vector<TrustedCertificate> trusted;
    trusted.push_back(fixtures::trust("rsa2048", alone));
    EXPECT_EQ(verdict(alone, trusted), "trusted");
    EXPECT_THAT(verdict(fixtures::vector_certificate("rsa4096"), trusted), HasSubstr("Could not locate"));
    const Certificate old = fixtures::vector_certificate("rsa-expired");
    trusted.push_back(fixtures::trust("old", old));
    EXPECT_THAT(verdict(old, trusted), HasSubstr("outside its valid date range"));
}

}  // namespace
}  // namespace sallyport::image
