#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::crypto {

/// AES-256 in counter mode with the processor's instructions for two blocks at a time (VAES with AVX2), which
/// OpenSSL 3.0 does not use for this mode: about twice its speed. The same result, byte for byte; AesCtr chooses.
///
/// The expanded key is in locked memory. Not thread-safe: a stream has a position.
class WideAesCtr {
public:
    /// True if this processor has the instructions.
    static bool is_supported();

    /// `key` has 32 bytes. Error: `Overloaded` if the arena is full.
    static Result<WideAesCtr> create(const SecureBytes& key, const std::array<std::byte, 16>& counter);

    /// Applies the next key stream bytes to `in`. Both have one size; they may be the same bytes, or have none in
    /// common.
    void apply(std::span<const std::byte> in, std::span<std::byte> out);

private:
    WideAesCtr(SecureBytes schedule, std::uint64_t high, std::uint64_t low)
        : schedule_(std::move(schedule)), high_(high), low_(low) {}

    SecureBytes schedule_;  ///< 15 round keys, then the key stream of the block that is begun
    std::uint64_t high_;    ///< of the counter of the next block
    std::uint64_t low_;
    std::size_t left_ = 0;  ///< key stream bytes that are not used yet
};

}  // namespace sallyport::crypto
