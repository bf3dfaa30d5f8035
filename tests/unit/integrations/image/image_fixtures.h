#pragma once

#include <boost/json.hpp>
#include <openssl/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "integrations/image/certificate.h"
#include "integrations/image/signature_properties.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/clock.h"
#include "keymanager/base/secure_bytes.h"
#include "keymanager/crypto/openssl_handle.h"

/// What the tests of image signatures share: cursive's vectors (tests/vectors/image), and certificates made by OpenSSL.
namespace sallyport::image::fixtures {

/// When the vectors were judged.
Timestamp judged_at();

Bytes vector_file(const std::string& name);  ///< below tests/vectors/image/signatures
const boost::json::object& vector_index();
const boost::json::object& vector_named(std::string_view name);
/// The certificate that the vectors call by this name, "rsa2048".
Certificate vector_certificate(std::string_view name);
SecureBytes vector_key(std::string_view name);
ImageProperties properties_of(const boost::json::object& vector);

/// A fresh key: "RSA:2048", "EC:secp384r1", "ED25519".
crypto::Pkey make_key(const std::string& kind);

struct CertificateSpec {
    std::string subject = "signer";
    std::string issuer = {};  ///< the subject if empty
    std::string basic_constraints = {};
    std::string key_usage = {};
    std::string extension = {};  ///< one more, "nameConstraints=permitted;DNS:x"
    X509* issued_by = nullptr;   ///< whose key id it says it is signed with
    std::string digest = "SHA256";
    bool signed_with_pss = false;
    int valid_from_days = -1;  ///< around judged_at()
    int valid_to_days = 1;
};
/// Signed with `issuer_key`.
Certificate make_certificate(const CertificateSpec& spec, EVP_PKEY* key, EVP_PKEY* issuer_key);

/// A CA and its key.
struct Authority {
    crypto::Pkey key;
    Certificate certificate;
};
inline constexpr const char* CertSign = "critical,keyCertSign";
/// `issuer` null: self-signed. `constraints`: "critical,CA:TRUE,pathlen:0".
Authority make_authority(const std::string& name, const std::string& constraints, const Authority* issuer = nullptr,
                         CertificateSpec spec = {});
/// A signer's certificate from it.
Certificate make_leaf(const Authority& issuer, CertificateSpec spec = {});

Certificate copy_of(const Certificate& certificate);
TrustedCertificate trust(std::string name, const Certificate& certificate);
template <class... More>
std::vector<TrustedCertificate> trust_all(const More&... authorities) {
    std::vector<TrustedCertificate> all;
    (all.push_back(trust(authorities.certificate.subject(), authorities.certificate)), ...);
    return all;
}

}  // namespace sallyport::image::fixtures
