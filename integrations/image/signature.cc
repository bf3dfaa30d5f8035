#include "integrations/image/signature.h"

#include <fmt/format.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace sallyport::image {
namespace {

/// What python3-cryptography knows by name; cursive falls over keys on any other curve.
constexpr std::array<std::string_view, 19> CurvesOfCursive{
    "prime192v1", "secp224r1", "prime256v1",      "secp384r1",       "secp521r1",      "secp256k1", "sect163k1",
    "sect233k1",  "sect283k1", "sect409k1",       "sect571k1",       "sect163r2",      "sect233r1", "sect283r1",
    "sect409r1",  "sect571r1", "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1"};

Result<void> check_kind(const Key& key, KeyType type) {
    if (key.kind() == kind_of(type)) return {};
    return refused(fmt::format("Invalid public key type for signature key type: {}", name_of(type)));
}

Result<void> check_dates(const Certificate& certificate, Timestamp now) {
    if (certificate.is_valid_at(now)) return {};
    return Error{Code::Refused,
                 fmt::format("The certificate is outside its valid date range. It is valid from {} to {}.",
                             to_iso8601(certificate.not_before()), to_iso8601(certificate.not_after())),
                 {}};
}

Result<void> check_strength(const Key& key, KeyType type) {
    if (key.kind() == KeyKind::Ec) {
        if (key.curve() == curve_of(type)) return {};
        return refused(fmt::format("Invalid public key type for signature key type: {}, the key is on the curve {}",
                                   name_of(type), key.curve()));
    }
    if (key.bits() >= LeastKeyBits) return {};
    return refused(
        fmt::format("The key is too short ({}), it has to have {} bits at least", key.description(), LeastKeyBits));
}

/// RFC 5280, section 4.2.1.3: without the extension a key may serve any purpose.
Result<void> check_usage(const Certificate& certificate) {
    const std::uint32_t flags = X509_get_extension_flags(certificate.get());
    if ((flags & EXFLAG_INVALID) != 0) return refused("The certificate has an extension that is malformed");
    if ((flags & EXFLAG_CRITICAL) != 0) {
        return refused("The certificate has a critical extension that is not known here");
    }
    if ((X509_get_key_usage(certificate.get()) & KU_DIGITAL_SIGNATURE) != 0) return {};
    return refused("The certificate's key usage does not allow digital signatures (digitalSignature)");
}

}  // namespace

Result<void> check_signer(const Certificate& certificate, const Key& key, KeyType type, Rules rules, Timestamp now) {
    TRY(check_kind(key, type));
    switch (rules) {
        case Rules::Cursive:
            if (key.kind() == KeyKind::Ec && std::ranges::count(CurvesOfCursive, key.curve()) == 0) {
                return refused(fmt::format("Unsupported curve: {}", key.curve()));
            }
            return {};
        case Rules::Strict:
            TRY(check_dates(certificate, now));
            TRY(check_strength(key, type));
            return check_usage(certificate);
    }
    return {};
}

Result<SignatureVerifier> SignatureVerifier::create(SignatureClaim claim, const Certificate& certificate, Rules rules,
                                                    Timestamp now) {
    Key key = TRY(Key::of(certificate));
    TRY(check_signer(certificate, key, claim.key_type, rules, now));
    if (claim.signature.empty()) return refused("Error occurred while creating the verifier");
    ImageDigest digest = TRY(ImageDigest::create(claim.hash_method));
    return SignatureVerifier(std::move(claim), std::move(key), std::move(digest));
}

Result<void> SignatureVerifier::finish() {
    const Bytes digest = TRY(digest_.finish());
    const Scheme scheme{claim_.key_type, claim_.hash_method};
    if (TRY(signature_matches(key_, scheme, digest, claim_.signature))) return {};
    const std::string why = explain_mismatch(key_, scheme, digest, claim_.signature);
    return Error{
        Code::Corrupt,
        "the signature is not that of this image under the certificate's key" + (why.empty() ? "" : ": " + why),
        {}};
}

}  // namespace sallyport::image
