#include "integrations/image/cursive_chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "image_fixtures.h"

// What cursive says is in the vectors, and the integration test asks the real one about many more. Here stand the
// oddities.
namespace sallyport::image {
namespace {

using fixtures::Authority;
using fixtures::make_authority;
using fixtures::make_leaf;
using fixtures::trust_all;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* OneBelow = "critical,CA:TRUE,pathlen:1";

std::string verdict(const Certificate& certificate, const std::vector<TrustedCertificate>& trusted,
                    std::vector<std::string>* remarks = nullptr) {
    std::vector<std::string> lines;
    const Result<void> checked = check_chain_as_cursive(certificate, trusted, fixtures::judged_at(), lines);
    if (remarks != nullptr) *remarks = lines;
    return checked ? "trusted" : checked.error().message;
}

TEST(CursiveChain, NeedsTheRootAmongTheTrusted) {
    const Authority root = make_authority("root", OneBelow);
    const Authority middle = make_authority("middle", OneBelow, &root);
    EXPECT_EQ(verdict(make_leaf(middle), trust_all(root, middle)), "trusted");
    EXPECT_EQ(verdict(make_leaf(middle), trust_all(middle)), "certificate 'CN=middle'");
}

TEST(CursiveChain, FallsOverAnAuthorityWithoutAPathLength) {
    const Authority root = make_authority("root", "critical,CA:TRUE");
    EXPECT_THAT(verdict(make_leaf(root), trust_all(root)), StartsWith("TypeError: '<' not supported"));
}

TEST(CursiveChain, CountsSelfIssuedCertificatesToo) {
    const Authority root = make_authority("root", "critical,CA:TRUE,pathlen:0");
    const Authority renewed = make_authority("root", "critical,CA:TRUE,pathlen:0", &root);
    EXPECT_THAT(verdict(make_leaf(renewed), trust_all(root, renewed)), HasSubstr("of sufficient length"));
}

TEST(CursiveChain, SaysWhomItLeavesOut) {
    const Authority old = make_authority("old", OneBelow, nullptr, {.valid_from_days = -9, .valid_to_days = -3});
    const Authority plain = make_authority("plain", "CA:FALSE");
    std::vector<std::string> remarks;
    EXPECT_THAT(verdict(make_leaf(old), trust_all(old, plain), &remarks), HasSubstr("the base certificate"));
    EXPECT_THAT(remarks,
                ElementsAre("Certificate 'CN=old' is outside its valid date range and cannot be used as a signing "
                            "certificate.",
                            "Certificate 'CN=plain' is not configured to act as a signing certificate. It will not be "
                            "used as a signing certificate."));
}

TEST(CursiveChain, FallsOverSignaturesThatItsLibraryDoesNotKnow) {
    const Authority root = make_authority("root", OneBelow);
    EXPECT_THAT(verdict(make_leaf(root, {.digest = "SHA3-256"}), trust_all(root)), StartsWith("UnsupportedAlgorithm"));
    EXPECT_EQ(verdict(make_leaf(root, {.digest = "SHA1"}), trust_all(root)), "trusted");
}

TEST(CursiveChain, ComparesNamesLetterByLetter) {
    const Authority root = make_authority("root", OneBelow);
    const crypto::Pkey key = fixtures::make_key("EC:secp384r1");
    const Certificate leaf =
        fixtures::make_certificate({.subject = "leaf", .issuer = "ROOT"}, key.get(), root.key.get());
    EXPECT_THAT(verdict(leaf, trust_all(root)), HasSubstr("Could not locate"));
}

TEST(CursiveChain, EndsWhereCertificatesCertifyEachOther) {
    const crypto::Pkey one = fixtures::make_key("EC:secp384r1"), two = fixtures::make_key("EC:secp384r1");
    const auto ca = [](const char* subject, const char* issuer, const crypto::Pkey& key, const crypto::Pkey& by) {
        return fixtures::make_certificate(
            {.subject = subject, .issuer = issuer, .basic_constraints = OneBelow, .key_usage = fixtures::CertSign},
            key.get(), by.get());
    };
    std::vector<TrustedCertificate> trusted;
    trusted.push_back({"one", ca("one", "two", one, two)});
    trusted.push_back({"two", ca("two", "one", two, one)});
    EXPECT_THAT(verdict(fixtures::make_certificate({.issuer = "one"}, two.get(), one.get()), trusted),
                HasSubstr("in a circle"));
}

}  // namespace
}  // namespace sallyport::image
