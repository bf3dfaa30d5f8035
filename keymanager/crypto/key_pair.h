#pragma once

#include <optional>

#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::crypto {

enum class KeyPairAlgorithm { Rsa, Dsa, Ec };

/// A fresh key pair, encoded as Barbican stores one: RSA in PEM, DSA in DER, EC (on a curve of
/// NIST, by name) as RSA; the private key as PKCS #8 (RFC 5958), the
/// public key as SubjectPublicKeyInfo (RFC 5280).
struct KeyPair {
    SecureBytes private_key;
    SecureBytes public_key;
};

/// With a passphrase the private key is encrypted under it (PBES2 of RFC 8018, AES-256-CBC). Takes up to seconds.
/// Error: `InvalidInput` if OpenSSL makes no such key, `Overloaded` if the arena is full.
Result<KeyPair> generate_key_pair(KeyPairAlgorithm algorithm, int bits, const std::optional<SecureBytes>& passphrase);

}  // namespace sallyport::crypto
