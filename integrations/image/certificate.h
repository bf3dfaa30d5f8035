#pragma once

#include <openssl/types.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "keymanager/base/bytes.h"
#include "keymanager/base/clock.h"
#include "keymanager/base/result.h"

namespace sallyport::image {

/// An X.509 certificate (RFC 5280) of an image's signer or of who certified it. Nothing is believed of it by parsing.
/// Immutable, hence thread-safe.
class Certificate {
public:
    /// From DER, or the first certificate in PEM. Error: `InvalidInput`.
    static Result<Certificate> parse(std::span<const std::byte> encoded);
    /// Every certificate in PEM, at least one; or one in DER. Error: `InvalidInput`.
    static Result<std::vector<Certificate>> parse_all(std::span<const std::byte> encoded);

    /// Inclusive at both ends, as RFC 5280, section 4.1.2.5.
    bool is_valid_at(Timestamp time) const { return not_before_ <= time && time <= not_after_; }
    Timestamp not_before() const { return not_before_; }
    Timestamp not_after() const { return not_after_; }

    const Bytes& der() const { return der_; }
    /// As RFC 2253 writes it, in printable ASCII.
    std::string subject() const;
    /// SHA-256 over the DER, in lower-case hex.
    Result<std::string> fingerprint() const;

    /// Borrowed; its functions take no const.
    X509* get() const { return handle_.get(); }

private:
    struct Release {
        void operator()(X509* certificate) const noexcept;
    };
    using Handle = std::unique_ptr<X509, Release>;
    static Result<Certificate> take(X509* parsed);

    Handle handle_;
    Bytes der_;
    Timestamp not_before_;
    Timestamp not_after_;
};

inline bool operator==(const Certificate& a, const Certificate& b) { return a.der() == b.der(); }

/// A certificate that somebody trusts to certify image signers, under the name by which messages call it: its id in the
/// key manager, or its file.
struct TrustedCertificate {
    std::string name;
    Certificate certificate;
};

}  // namespace sallyport::image
