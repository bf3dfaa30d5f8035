#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "keymanager/base/bytes.h"
#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::crypto {

/// AES-256-GCM (NIST SP 800-38D) with a 96-bit nonce and a 128-bit tag.
/// One key seals at most 2^32 times under random nonces (section 8.3).
constexpr std::size_t AeadKeyBytes = 32;
constexpr std::size_t AeadNonceBytes = 12;
constexpr std::size_t AeadTagBytes = 16;
using AeadNonce = std::array<std::byte, AeadNonceBytes>;

/// Ciphertext and tag. `associated` is authenticated with it, and not part of it. A (key, nonce) pair is used once.
/// Error: `InvalidInput` if the key is not 32 bytes.
Result<Bytes> aead_seal(const SecureBytes& key, const AeadNonce& nonce, std::span<const std::byte> associated,
                        const SecureBytes& plaintext);

/// What aead_seal() was given. Error: `Corrupt` if the tag does not verify: wrong key, changed bytes, or other
/// `associated` data; nothing of the plaintext gets out then.
Result<SecureBytes> aead_open(const SecureBytes& key, const AeadNonce& nonce, std::span<const std::byte> associated,
                              std::span<const std::byte> ciphertext_and_tag);

}  // namespace sallyport::crypto
