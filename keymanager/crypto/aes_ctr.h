#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"
#include "keymanager/crypto/aes_ctr_wide.h"
#include "keymanager/crypto/openssl_handle.h"

namespace sallyport::crypto {

/// The first counter block of a CTR stream (NIST SP 800-38A, section 6.5 and appendix B).
using CounterBlock = std::array<std::byte, 16>;

/// AES-256 in counter mode. The counter is the whole block: it counts up as one 128-bit big-endian number and wraps
/// at 2^128. Encrypting and decrypting are the same operation, and nothing is authenticated: who changes a byte of
/// the ciphertext changes that byte of the plaintext, unseen.
///
/// Not thread-safe: a stream has a position. The expanded key is in locked memory where the processor has the
/// instructions of WideAesCtr; else it lives in OpenSSL's context, in ordinary memory that OpenSSL wipes when the
/// object goes.
class AesCtr {
public:
    static constexpr std::size_t KeySize = 32;

    /// A stream that stands `offset` bytes behind the start.
    /// Error: `InvalidInput` unless the key has 32 bytes.
    static Result<AesCtr> create(const SecureBytes& key, const CounterBlock& iv, std::uint64_t offset = 0);
    /// The same, and always by OpenSSL.
    static Result<AesCtr> create_by_openssl(const SecureBytes& key, const CounterBlock& iv, std::uint64_t offset = 0);

    /// Applies the next key stream bytes to `data`, in place.
    Result<void> apply(std::span<std::byte> data) { return apply(data, data); }
    /// Applies them to `in`, into `out`: of one size, and either the same bytes or with none in common.
    Result<void> apply(std::span<const std::byte> in, std::span<std::byte> out);

private:
    explicit AesCtr(CipherCtx context) : context_(std::move(context)) {}
    explicit AesCtr(WideAesCtr wide) : wide_(std::move(wide)) {}
    Result<void> skip(std::size_t bytes);

    std::optional<WideAesCtr> wide_;
    CipherCtx context_;  ///< if there is no wide_
};

/// The counter block `blocks` after `start`, modulo 2^128.
CounterBlock advance_counter(const CounterBlock& start, std::uint64_t blocks);

}  // namespace sallyport::crypto
