#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace sallyport::crypto {

/// The MD5 (RFC 1321) of two messages of equal length at once, in lower-case hex: of a plaintext and its ciphertext as
/// both pass by. One MD5 is a chain of steps of which each waits for the one before; two chains side by side fill the
/// processor's pipelines, and take hardly longer than one. Not for secrets. Not thread-safe.
class Md5Pair {
public:
    /// The next bytes of both. Sizes are equal.
    void update(std::span<const std::byte> first, std::span<const std::byte> second);

    struct Digests {
        std::string first;
        std::string second;
    };
    /// Of what has passed so far; it may go on afterwards.
    Digests hex() const;

    static constexpr std::size_t BlockSize = 64;

private:
    using State = std::array<std::uint32_t, 4>;
    using Block = std::array<std::byte, BlockSize>;
    static void compress(State& first, State& second, const std::byte* one, const std::byte* two, std::size_t blocks);

    static constexpr State Start{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    State first_ = Start;
    State second_ = Start;
    Block one_{};  ///< what does not fill a block yet
    Block two_{};
    std::uint64_t length_ = 0;
};

}  // namespace sallyport::crypto
