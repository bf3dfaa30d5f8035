#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>

#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::crypto {

/// HMAC-SHA256 (RFC 2104, FIPS 180-4). The key may be of any length.
Result<std::array<std::byte, 32>> hmac_sha256(std::span<const std::byte> key, std::span<const std::byte> message);
/// The same where the result is itself a key: straight into locked memory.
Result<SecureBytes> hmac_sha256_secret(std::span<const std::byte> key, std::span<const std::byte> message);

/// HMAC-SHA256 under one key, many times over: the key is digested once. Holds what was made of the key in OpenSSL's
/// own memory, which it wipes. One thread at a time.
class HmacKey {
public:
    static Result<HmacKey> make(std::span<const std::byte> key);
    ~HmacKey();
    HmacKey(HmacKey&&) noexcept;
    HmacKey& operator=(HmacKey&&) noexcept;

    /// Of the pieces as if they were one.
    Result<std::array<std::byte, 32>> sign(std::initializer_list<std::span<const std::byte>> pieces);

private:
    struct Impl;
    explicit HmacKey(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

Result<std::array<std::byte, 32>> sha256(std::span<const std::byte> message);

}  // namespace sallyport::crypto
