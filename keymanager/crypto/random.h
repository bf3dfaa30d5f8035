#pragma once

#include <cstddef>
#include <span>

#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::crypto {

/// Fills `out` with bytes that may be public (nonces, IVs): RAND_bytes(3).
Result<void> fill_random(std::span<std::byte> out);
/// Fresh secret bytes in locked memory, from OpenSSL's private generator (RAND_priv_bytes(3)).
Result<SecureBytes> random_secret(std::size_t size);

}  // namespace sallyport::crypto
