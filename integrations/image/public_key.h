#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>

#include "integrations/image/certificate.h"
#include "integrations/image/signature_types.h"
#include "keymanager/base/result.h"

namespace sallyport::image {

enum class KeyKind { Rsa, Dsa, Ec, Other };

/// An asymmetric key as far as signing images goes: a certificate's public one, or a signer's pair.
/// Immutable, hence thread-safe.
class Key {
public:
    /// Takes the key over. Error: `Refused` for a curve that is spelled out instead of named.
    static Result<Key> take(EVP_PKEY* key);
    /// Error: `InvalidInput` if OpenSSL cannot use the certificate's key, `Refused` as above.
    static Result<Key> of(const Certificate& certificate);

    KeyKind kind() const { return kind_; }
    int bits() const;
    /// Of an EC key, by OpenSSL's name: "secp384r1".
    const std::string& curve() const { return curve_; }
    /// "RSA, 2048 bits", "EC, curve secp384r1": for messages.
    std::string description() const;

    EVP_PKEY* get() const { return handle_.get(); }

private:
    struct Release {
        void operator()(EVP_PKEY* key) const noexcept;
    };
    std::unique_ptr<EVP_PKEY, Release> handle_;
    KeyKind kind_ = KeyKind::Other;
    std::string curve_;
};

/// The kind of key that signatures of this type are made with.
KeyKind kind_of(KeyType type);

}  // namespace sallyport::image
