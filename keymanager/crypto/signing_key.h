#pragma once

#include <openssl/types.h>

#include <memory>
#include <span>
#include <string>

#include "keymanager/base/bytes.h"
#include "keymanager/base/result.h"

namespace sallyport::crypto {

/// An Ed25519 key (RFC 8032) with which a node signs what it states. In a file of its own: PKCS #8 (RFC 8410) in PEM,
/// mode 0600, as `openssl pkey` reads it. Thread-safe.
class SigningKey {
public:
    /// Makes the key at first use, whole and durable or not at all.
    /// Error: those of read_private_file; `Corrupt` if the file holds no Ed25519 key; `Io`.
    static Result<SigningKey> open_or_make(const std::string& path);

    /// SubjectPublicKeyInfo in PEM.
    const std::string& public_key() const { return public_key_; }
    Result<Bytes> sign(std::span<const std::byte> message) const;

private:
    struct Release {
        void operator()(EVP_PKEY* key) const noexcept;
    };
    std::unique_ptr<EVP_PKEY, Release> key_;
    std::string public_key_;
};

/// Error: `Corrupt` if the signature is not that of this key over this message; `InvalidInput` if `public_key` is no
/// Ed25519 key in PEM.
Result<void> verify_signature(const std::string& public_key, std::span<const std::byte> message,
                              std::span<const std::byte> signature);

}  // namespace sallyport::crypto
