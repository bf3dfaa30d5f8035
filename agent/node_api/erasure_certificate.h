#pragma once

#include <boost/json/object.hpp>

#include <optional>
#include <string>

#include "integrations/volume/erase.h"
#include "keymanager/base/result.h"
#include "keymanager/crypto/signing_key.h"

namespace sallyport::node_api {

/// Who erased what where.
struct EraseScene {
    std::string host;
    std::string by;       ///< "user 0 of project node", "user 0"
    std::string program;  ///< "sallyport 0.1.0"
};

/// What was erased, after NIST SP 800-88 Rev. 1, appendix G, as a signed JSON object: {"certificate": {...},
/// "signature": {"algorithm": "Ed25519", "public_key": PEM, "value": base64}}. What is signed is the text of
/// "certificate" without white space between its tokens, its members in their order.
Result<boost::json::object> certificate_of(const volume::EraseReport& report, const EraseScene& scene,
                                           const crypto::SigningKey& key);

/// The certificate, if its signature verifies: by `public_key` if that is given, else by the one that it carries, which
/// says only that it is whole. Error: `InvalidInput`, `Corrupt`, `WrongKey` if another key has signed it.
Result<boost::json::object> verified_certificate(const std::string& text, const std::optional<std::string>& public_key);

/// "SHA256:…" of a public key in PEM: short enough to be compared by people.
Result<std::string> fingerprint_of(const std::string& public_key);

/// A folder in which a node keeps what it signed: its key (signing.key, signing.pub) and one file a certificate.
class CertificateFolder {
public:
    /// Makes folder (mode 0700) and key at first use.
    static Result<CertificateFolder> open(const std::string& path);
    const crypto::SigningKey& key() const { return key_; }
    /// A new file, durable; its path. Error: `Io`.
    Result<std::string> write(const std::string& uuid, const boost::json::object& certificate) const;

private:
    CertificateFolder(std::string path, crypto::SigningKey key) : path_(std::move(path)), key_(std::move(key)) {}
    std::string path_;
    crypto::SigningKey key_;
};

}  // namespace sallyport::node_api
