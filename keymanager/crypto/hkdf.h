#pragma once

#include <cstddef>
#include <span>

#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::crypto {

/// HKDF-SHA256 (RFC 5869): a key of `size` bytes from a key that serves another purpose too. `info` says which purpose,
/// so that no two share bytes. Error: `InvalidInput` if more than 255 * 32 bytes are asked for.
Result<SecureBytes> hkdf_sha256(const SecureBytes& key, std::span<const std::byte> salt,
                                std::span<const std::byte> info, std::size_t size);

}  // namespace sallyport::crypto
