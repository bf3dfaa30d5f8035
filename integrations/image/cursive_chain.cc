#include "integrations/image/cursive_chain.h"

#include <fmt/format.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <utility>

#include "integrations/image/certificate_chain.h"
#include "integrations/image/public_key.h"
#include "keymanager/crypto/openssl_handle.h"

namespace sallyport::image {
namespace {

/// The signatures of certificates that python3-cryptography 38 gives a hash for.
constexpr std::array KnownSignatures{NID_md5WithRSAEncryption,
                                     NID_sha1WithRSAEncryption,
                                     NID_sha1WithRSA,
                                     NID_sha224WithRSAEncryption,
                                     NID_sha256WithRSAEncryption,
                                     NID_sha384WithRSAEncryption,
                                     NID_sha512WithRSAEncryption,
                                     NID_ecdsa_with_SHA1,
                                     NID_ecdsa_with_SHA224,
                                     NID_ecdsa_with_SHA256,
                                     NID_ecdsa_with_SHA384,
                                     NID_ecdsa_with_SHA512,
                                     NID_dsaWithSHA1,
                                     NID_dsa_with_SHA224,
                                     NID_dsa_with_SHA256};

Error says(std::string message) { return {Code::Refused, std::move(message), {}}; }

Result<void> check_extensions(const Certificate& certificate) {
    if ((X509_get_extension_flags(certificate.get()) & EXFLAG_INVALID) == 0) return {};
    return says("ValueError: an extension of a certificate cannot be parsed");
}

Result<bool> may_certify(const Certificate& certificate) {
    TRY(check_extensions(certificate));
    const std::uint32_t flags = X509_get_extension_flags(certificate.get());
    return (flags & EXFLAG_BCONS) != 0 && (flags & EXFLAG_KUSAGE) != 0 && (flags & EXFLAG_CA) != 0 &&
           (X509_get_key_usage(certificate.get()) & KU_KEY_CERT_SIGN) != 0;
}

/// The trusted certificates that cursive looks for issuers in.
Result<std::vector<const TrustedCertificate*>> signing_certificates(std::span<const TrustedCertificate> trusted,
                                                                    Timestamp now, std::vector<std::string>& remarks) {
    std::vector<const TrustedCertificate*> signing;
    for (const TrustedCertificate& each : trusted) {
        if (!each.certificate.is_valid_at(now)) {
            remarks.push_back(fmt::format(
                "Certificate '{}' is outside its valid date range and cannot be used as a signing certificate.",
                each.name));
        } else if (!TRY(may_certify(each.certificate))) {
            remarks.push_back(
                fmt::format("Certificate '{}' is not configured to act as a signing certificate. It will not be used "
                            "as a signing certificate.",
                            each.name));
        } else {
            signing.push_back(&each);
        }
    }
    return signing;
}

/// Object id and text, whatever string type the text was in.
using Attribute = std::pair<std::string, std::string>;

Attribute attribute_of(const X509_NAME_ENTRY* entry) {
    char id[80] = {};
    OBJ_obj2txt(id, sizeof id, X509_NAME_ENTRY_get_object(entry), 1);
    unsigned char* utf8 = nullptr;
    const int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(entry));
    Attribute attribute{id, {}};
    if (size >= 0) attribute.second.assign(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size));
    OPENSSL_free(utf8);
    return attribute;
}

/// A name as cursive compares it: a list of sets. OpenSSL's own comparison folds case and white space.
std::vector<std::set<Attribute>> parts_of(const X509_NAME* name) {
    std::vector<std::set<Attribute>> parts;
    int last_set = -1;
    for (int i = 0; i < X509_NAME_entry_count(name); ++i) {
        const X509_NAME_ENTRY* const entry = X509_NAME_get_entry(name, i);
        if (X509_NAME_ENTRY_set(entry) != last_set) parts.emplace_back();
        last_set = X509_NAME_ENTRY_set(entry);
        parts.back().insert(attribute_of(entry));
    }
    return parts;
}

Result<bool> is_issuer(const Certificate& issuer, const Certificate& issued) {
    if (parts_of(X509_get_subject_name(issuer.get())) != parts_of(X509_get_issuer_name(issued.get()))) return false;
    const int signature = X509_get_signature_nid(issued.get());
    if (std::ranges::count(KnownSignatures, signature) == 0) {
        return says(
            fmt::format("UnsupportedAlgorithm: Signature algorithm OID: {} not recognized", OBJ_nid2ln(signature)));
    }
    const Key key = TRY(Key::of(issuer));
    if (key.kind() == KeyKind::Other) {
        return says(fmt::format("TypeError: a key that cannot verify certificates ({})", key.description()));
    }
    const bool signed_by_it = X509_verify(issued.get(), key.get()) == 1;
    crypto::openssl_detail();
    return signed_by_it;
}

struct Link {
    std::string name;
    const Certificate* certificate;
};

/// From the root to the image's own, as cursive holds it.
using Chain = std::vector<Link>;

Result<const TrustedCertificate*> issuer_of(const Certificate& certificate,
                                            const std::vector<const TrustedCertificate*>& signing) {
    for (const TrustedCertificate* candidate : signing) {
        if (TRY(is_issuer(candidate->certificate, certificate))) return candidate;
    }
    return nullptr;
}

Result<Chain> build_chain(const Certificate& certificate, const std::vector<const TrustedCertificate*>& signing) {
    Chain chain{{"base", &certificate}};
    while (true) {
        const TrustedCertificate* const issuer = TRY(issuer_of(*chain.front().certificate, signing));
        if (issuer == nullptr) {
            if (chain.front().name == "base") return no_issuer("the base certificate");
            // cursive's operators bind so that only this much of its message is left.
            return says(fmt::format("certificate '{}'", chain.front().name));
        }
        if (issuer->certificate == *chain.front().certificate) return chain;
        // Two that certified each other: cursive never comes back from there.
        if (chain.size() > signing.size()) return says("The trusted certificates certify each other in a circle.");
        chain.insert(chain.begin(), {issuer->name, &issuer->certificate});
    }
}

Result<void> check_path_lengths(const Chain& chain) {
    for (std::size_t i = 0; i < chain.size(); ++i) {
        const Certificate& certificate = *chain[i].certificate;
        if (certificate == *chain.back().certificate) return {};
        const long limit = X509_get_pathlen(certificate.get());
        if (limit < 0) return says("TypeError: '<' not supported between instances of 'NoneType' and 'int'");
        // Neither this certificate nor the last counts.
        const std::size_t between = chain.size() - i > 2 ? chain.size() - i - 2 : 0;
        if (static_cast<std::size_t>(limit) < between) {
            return chain_too_long(fmt::format("certificate '{}'", chain[i].name));
        }
    }
    return {};
}

}  // namespace

Result<void> check_chain_as_cursive(const Certificate& certificate, std::span<const TrustedCertificate> trusted,
                                    Timestamp now, std::vector<std::string>& remarks) {
    const auto signing = TRY(signing_certificates(trusted, now, remarks));
    if (!certificate.is_valid_at(now)) return says("The certificate is outside its valid date range.");
    return check_path_lengths(TRY(build_chain(certificate, signing)));
}

}  // namespace sallyport::image
