#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::crypto {

/// HMAC-SHA256 (RFC 2104, FIPS 180-4). The key may be of any length.
Result<std::array<std::byte, 32>> hmac_sha256(std::span<const std::byte> key, std::span<const std::byte> message);
/// The same where the result is itself a key: straight into locked memory.
Result<SecureBytes> hmac_sha256_secret(std::span<const std::byte> key, std::span<const std::byte> message);

Result<std::array<std::byte, 32>> sha256(std::span<const std::byte> message);

}  // namespace sallyport::crypto
