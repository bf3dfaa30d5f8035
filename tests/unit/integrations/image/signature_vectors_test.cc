#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "image_fixtures.h"
#include "integrations/image/certificate_chain.h"
#include "integrations/image/cursive_chain.h"
#include "integrations/image/signature.h"

namespace sallyport::image {
namespace {

namespace json = boost::json;

std::vector<std::string> vector_names() {
    std::vector<std::string> names;
    for (const auto& vector : fixtures::vector_index().at("vectors").as_array()) {
        names.emplace_back(vector.at("name").as_string());
    }
    return names;
}

std::string text(const json::object& vector, std::string_view name) { return std::string(vector.at(name).as_string()); }

/// "cursive.SignatureVerificationError: X" -> "X"; where a file stands for an id, the id.
std::string words_of(const std::string& verdict) {
    const std::size_t colon = verdict.find(": ");
    return colon == std::string::npos ? verdict : verdict.substr(colon + 2);
}

std::vector<TrustedCertificate> trusted_of(const json::object& vector) {
    std::vector<TrustedCertificate> trusted;
    const auto& ids = vector.at("trusted_ids").as_array();
    const auto& names = vector.at("trusted").as_array();
    for (std::size_t i = 0; i < names.size(); ++i) {
        trusted.push_back({std::string(ids[i].as_string()), fixtures::vector_certificate(names[i].as_string())});
    }
    return trusted;
}

bool is_in_key_manager(const std::string& id) {
    return std::ranges::any_of(fixtures::vector_index().at("certificates").as_object(),
                               [&id](const auto& each) { return each.value().at("id").as_string() == id; });
}

Result<void> judge_signature(const json::object& vector, Rules rules) {
    SignatureClaim claim = TRY(read_claim(fixtures::properties_of(vector), rules));
    if (!is_in_key_manager(claim.certificate_uuid)) {
        return refused("Certificate not found with ID: " + claim.certificate_uuid);
    }
    const Certificate certificate = fixtures::vector_certificate(text(vector, "cert"));
    SignatureVerifier verifier =
        TRY(SignatureVerifier::create(std::move(claim), certificate, rules, fixtures::judged_at()));
    const Bytes image = fixtures::vector_file("images/" + text(vector, "image"));
    const auto half = std::span(image).first(image.size() / 2);
    TRY(verifier.update(half));
    TRY(verifier.update(std::span(image).subspan(half.size())));
    return verifier.finish();
}

class SignatureVectors : public testing::TestWithParam<std::string> {};

TEST_P(SignatureVectors, AreJudgedAsCursiveJudgedThem) {
    const json::object& vector = fixtures::vector_named(GetParam());
    const std::string expected = text(vector, "cursive_signature");
    const Result<void> judged = judge_signature(vector, Rules::Cursive);
    ASSERT_EQ(judged.has_value(), expected == "ok") << (judged ? "accepted" : judged.error().message);
    if (judged) return;
    const bool has_words = expected != "cryptography.InvalidSignature";
    EXPECT_EQ(judged.error().code, has_words ? Code::Refused : Code::Corrupt);
    const std::string words = has_words ? words_of(expected) : judged.error().message;
    EXPECT_EQ(judged.error().message, words);
}

TEST_P(SignatureVectors, HaveTheChainThatCursiveSaw) {
    const json::object& vector = fixtures::vector_named(GetParam());
    if (vector.at("trusted").is_null()) return;  // cursive was not asked
    const std::string expected = text(vector, "cursive_chain");
    std::vector<std::string> remarks;
    const Result<void> judged = check_chain_as_cursive(fixtures::vector_certificate(text(vector, "cert")),
                                                       trusted_of(vector), fixtures::judged_at(), remarks);
    ASSERT_EQ(judged.has_value(), expected == "ok") << (judged ? "accepted" : judged.error().message);
    const std::string words = judged ? "ok" : judged.error().message;
    EXPECT_THAT(words, testing::EndsWith(words_of(expected)));
}

TEST_P(SignatureVectors, ThatGlanceTakesForUnsignedLackAProperty) {
    const json::object& vector = fixtures::vector_named(GetParam());
    const bool all = presence_of(fixtures::properties_of(vector)) == Presence::All;
    EXPECT_EQ(all, vector.at("should_create_verifier").as_bool());
}

/// What the strict rules refuse although cursive lets it pass.
const std::vector<std::string> OnlyCursiveAccepts{
    "rsa1024-pss-sha-256",  "rsa1024-pss-sha-512", "p521-under-sect571-name",  "expired-cert-no-trust",
    "notyet-cert-no-trust", "chain-leaf-expired",  "chain-expired-selfsigned", "chain-selfsigned-ca-in-trust"};

TEST_P(SignatureVectors, AreJudgedStrictlyByDefault) {
    const json::object& vector = fixtures::vector_named(GetParam());
    const bool let_pass = std::ranges::count(OnlyCursiveAccepts, GetParam()) != 0;
    const bool expected = text(vector, "cursive_signature") == "ok" && !let_pass;
    const Result<void> judged = judge_signature(vector, Rules::Strict);
    EXPECT_EQ(judged.has_value(), expected) << (judged ? "accepted" : judged.error().message);
}

INSTANTIATE_TEST_SUITE_P(Cursive, SignatureVectors, testing::ValuesIn(vector_names()), [](const auto& each) {
    std::string name = each.param;
    std::ranges::replace(name, '-', '_');
    return name;
});

}  // namespace
}  // namespace sallyport::image
