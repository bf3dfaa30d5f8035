#include "keymanager/crypto/md5_pair.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "keymanager/base/assert.h"
#include "keymanager/base/codec.h"

namespace sallyport::crypto {
namespace {

/// RFC 1321, section 3.4: floor(2^32 * |sin(i + 1)|).
constexpr std::array<std::uint32_t, 64> Sines = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
constexpr std::array<std::array<int, 4>, 4> Shifts = {
    {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}}};

/// Which of the block's 16 words step I takes.
constexpr std::size_t word_of(std::size_t step) {
    switch (step / 16) {
        case 0: return step;
        case 1: return (5 * step + 1) % 16;
        case 2: return (3 * step + 5) % 16;
        default: return 7 * step % 16;
    }
}

/// What a step adds to `a`: the block's word, a constant, and the round's function of the other three. Written so that
/// little waits for `b`, which the step before has only just made, and so that "and not" is one instruction where the
/// processor has it:
///  - in round 2 the function's two halves share no bit, so a sum does for an "or", and can be added up in any order;
///  - in round 4, c ^ (b | ~d) is the complement of c ^ (d & ~b), and adding a complement is subtracting and one less.
template <std::size_t Round>
[[gnu::always_inline]] inline std::uint32_t added(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d,
                                                  std::uint32_t word, std::uint32_t sine) {
    if constexpr (Round == 0) return a + word + sine + (d ^ (b & (c ^ d)));
    if constexpr (Round == 1) return a + word + sine + (c & ~d) + (b & d);
    if constexpr (Round == 2) return a + word + sine + (b ^ c ^ d);
    return a + word + (sine - 1) - (c ^ (d & ~b));
}

template <std::size_t I>
[[gnu::always_inline]] inline void step(std::uint32_t& a, std::uint32_t b, std::uint32_t c, std::uint32_t d,
                                        const std::byte* block) {
    std::uint32_t word = 0;
    static_assert(std::endian::native == std::endian::little);
    std::memcpy(&word, block + sizeof word * word_of(I), sizeof word);
    a = added<I / 16>(a, b, c, d, word, Sines[I]);
    a = std::rotl(a, Shifts[I / 16][I % 4]) + b;
}

/// A message's four words while a block is worked in. Named, so that they stay in registers.
struct Chain {
    std::uint32_t a, b, c, d;
};

/// Steps 4 * I to 4 * I + 3 of both.
template <std::size_t I>
[[gnu::always_inline]] inline void four_steps(Chain& x, const std::byte* one, Chain& y, const std::byte* two) {
    step<4 * I>(x.a, x.b, x.c, x.d, one);
    step<4 * I>(y.a, y.b, y.c, y.d, two);
    step<4 * I + 1>(x.d, x.a, x.b, x.c, one);
    step<4 * I + 1>(y.d, y.a, y.b, y.c, two);
    step<4 * I + 2>(x.c, x.d, x.a, x.b, one);
    step<4 * I + 2>(y.c, y.d, y.a, y.b, two);
    step<4 * I + 3>(x.b, x.c, x.d, x.a, one);
    step<4 * I + 3>(y.b, y.c, y.d, y.a, two);
}

template <std::size_t... I>
[[gnu::always_inline]] inline void all_steps(Chain& x, const std::byte* one, Chain& y, const std::byte* two,
                                             std::index_sequence<I...> /*steps in fours*/) {
    (four_steps<I>(x, one, y, two), ...);
}

[[gnu::always_inline]] inline void all_blocks(Chain& x, const std::byte* one, Chain& y, const std::byte* two,
                                              std::size_t blocks) {
    for (; blocks > 0; --blocks, one += Md5Pair::BlockSize, two += Md5Pair::BlockSize) {
        const Chain x_before = x, y_before = y;
        all_steps(x, one, y, two, std::make_index_sequence<16>());
        x = {x.a + x_before.a, x.b + x_before.b, x.c + x_before.c, x.d + x_before.d};
        y = {y.a + y_before.a, y.b + y_before.b, y.c + y_before.c, y.d + y_before.d};
    }
}

/// With BMI1's "and not".
__attribute__((target("bmi"))) void all_blocks_with_bmi(Chain& x, const std::byte* one, Chain& y, const std::byte* two,
                                                        std::size_t blocks) {
    Chain chain_x = x, chain_y = y;
    all_blocks(chain_x, one, chain_y, two, blocks);
    x = chain_x;
    y = chain_y;
}

}  // namespace

void Md5Pair::compress(State& first, State& second, const std::byte* one, const std::byte* two, std::size_t blocks) {
    static const bool has_bmi = __builtin_cpu_supports("bmi") != 0;
    Chain x{first[0], first[1], first[2], first[3]};
    Chain y{second[0], second[1], second[2], second[3]};
    if (has_bmi) {
        all_blocks_with_bmi(x, one, y, two, blocks);
    } else {
        all_blocks(x, one, y, two, blocks);
    }
    first = {x.a, x.b, x.c, x.d};
    second = {y.a, y.b, y.c, y.d};
}

void Md5Pair::update(std::span<const std::byte> first, std::span<const std::byte> second) {
    SALLYPORT_ASSERT(first.size() == second.size());  // one is the other's ciphertext, in counter mode
    const std::size_t begun = length_ % BlockSize;
    length_ += first.size();
    if (begun > 0) {
        const std::size_t more = std::min(BlockSize - begun, first.size());
        std::ranges::copy(first.first(more), one_.begin() + begun);
        std::ranges::copy(second.first(more), two_.begin() + begun);
        first = first.subspan(more);
        second = second.subspan(more);
        if (begun + more < BlockSize) return;
        compress(first_, second_, one_.data(), two_.data(), 1);
    }
    const std::size_t blocks = first.size() / BlockSize;
    compress(first_, second_, first.data(), second.data(), blocks);
    std::ranges::copy(first.subspan(blocks * BlockSize), one_.begin());
    std::ranges::copy(second.subspan(blocks * BlockSize), two_.begin());
}

Md5Pair::Digests Md5Pair::hex() const {
    // RFC 1321, sections 3.1 and 3.2: a one bit, zeros, the length in bits as 64 bits, to the end of a block.
    State first = first_, second = second_;
    std::array<std::byte, 2 * BlockSize> one{}, two{};
    const std::size_t begun = length_ % BlockSize;
    std::copy_n(one_.begin(), begun, one.begin());
    std::copy_n(two_.begin(), begun, two.begin());
    one[begun] = two[begun] = std::byte{0x80};
    const std::size_t blocks = begun < BlockSize - sizeof length_ ? 1 : 2;
    const std::uint64_t bits = length_ * 8;
    std::memcpy(one.data() + blocks * BlockSize - sizeof bits, &bits, sizeof bits);
    std::memcpy(two.data() + blocks * BlockSize - sizeof bits, &bits, sizeof bits);
    compress(first, second, one.data(), two.data(), blocks);
    return {to_hex(std::as_bytes(std::span(first))), to_hex(std::as_bytes(std::span(second)))};
}

}  // namespace sallyport::crypto
