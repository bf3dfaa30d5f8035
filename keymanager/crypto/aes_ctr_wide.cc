#include "keymanager/crypto/aes_ctr_wide.h"

#include <cpuid.h>
#include <immintrin.h>

#include <algorithm>
#include <utility>

// The instructions are named for each function, not for the file: what runs elsewhere must not need them.
#define SALLYPORT_AES __attribute__((target("aes,sse4.1")))
#define SALLYPORT_VAES __attribute__((target("vaes,aes,avx2")))
// A loop over the pairs has to go, or they do not stay in registers.
#ifdef __clang__
#define SALLYPORT_UNROLL _Pragma("unroll")
#else
#define SALLYPORT_UNROLL _Pragma("GCC unroll 8")
#endif

namespace sallyport::crypto {
namespace {

constexpr std::size_t BlockSize = 16;
constexpr std::size_t RoundKeys = 15;  // FIPS 197, section 5: 14 rounds for a key of 256 bits
constexpr std::size_t ScheduleSize = RoundKeys * BlockSize;
constexpr std::size_t Pairs = 8;  // as many as hide an instruction's latency behind the others
constexpr std::size_t BatchBlocks = 2 * Pairs;
constexpr std::size_t BatchSize = BatchBlocks * BlockSize;

/// FIPS 197, section 5.2: the words of the key before, each added to those in front of it, and `mix`.
SALLYPORT_AES inline __m128i spread(__m128i key, __m128i mix) {
    key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
    key = _mm_xor_si128(key, _mm_slli_si128(key, 8));
    return _mm_xor_si128(key, mix);
}

/// The next two round keys. The round constant has to be one of the instruction.
template <int Constant>
SALLYPORT_AES inline void next_keys(__m128i* keys) {
    keys[2] = spread(keys[0], _mm_shuffle_epi32(_mm_aeskeygenassist_si128(keys[1], Constant), 0xff));
    keys[3] = spread(keys[1], _mm_shuffle_epi32(_mm_aeskeygenassist_si128(keys[2], 0), 0xaa));
}

SALLYPORT_AES void expand(std::span<const std::byte> key, std::span<std::byte> schedule) {
    __m128i keys[RoundKeys + 1];
    keys[0] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(key.data()));
    keys[1] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(key.data() + BlockSize));
    next_keys<0x01>(keys);
    next_keys<0x02>(keys + 2);
    next_keys<0x04>(keys + 4);
    next_keys<0x08>(keys + 6);
    next_keys<0x10>(keys + 8);
    next_keys<0x20>(keys + 10);
    next_keys<0x40>(keys + 12);
    for (std::size_t i = 0; i < RoundKeys; ++i) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(schedule.data() + i * BlockSize), keys[i]);
    }
    wipe(std::as_writable_bytes(std::span(keys)));
}

std::uint64_t from_big_endian(const std::byte* bytes) {
    std::uint64_t number = 0;
    for (int i = 0; i < 8; ++i) number = number << 8 | std::to_integer<std::uint64_t>(bytes[i]);
    return number;
}

/// One block's number after (high, low), which wraps at 2^128.
void count(std::uint64_t& high, std::uint64_t& low) {
    if (++low == 0) ++high;
}

SALLYPORT_VAES inline __m256i counters(std::uint64_t& high, std::uint64_t& low) {
    const std::uint64_t first_high = high, first_low = low;
    count(high, low);
    const __m256i both = _mm256_set_epi64x(static_cast<long long>(high), static_cast<long long>(low),
                                           static_cast<long long>(first_high), static_cast<long long>(first_low));
    count(high, low);
    const __m256i reversed =
        _mm256_broadcastsi128_si256(_mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    return _mm256_shuffle_epi8(both, reversed);
}

/// The pairs of a batch. While the lower half of the counter does not overflow, one addition makes the next pair.
SALLYPORT_VAES __attribute__((always_inline)) inline void batch_counters(__m256i (&blocks)[Pairs], std::uint64_t& high,
                                                                         std::uint64_t& low) {
    if (low > ~std::uint64_t{0} - BatchBlocks) {
        for (auto& pair : blocks) pair = counters(high, low);
        return;
    }
    const __m256i reversed =
        _mm256_broadcastsi128_si256(_mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    const auto signed_high = static_cast<long long>(high), signed_low = static_cast<long long>(low);
    __m256i both = _mm256_set_epi64x(signed_high, signed_low + 1, signed_high, signed_low);
    const __m256i two = _mm256_set_epi64x(0, 2, 0, 2);
    SALLYPORT_UNROLL
    for (auto& pair : blocks) {
        pair = _mm256_shuffle_epi8(both, reversed);
        both = _mm256_add_epi64(both, two);
    }
    low += BatchBlocks;
}

SALLYPORT_VAES inline __m256i round_key(const std::byte* schedule, std::size_t round) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(schedule + round * BlockSize)));
}

/// Whole batches; returns how many bytes they are.
SALLYPORT_VAES std::size_t apply_batches(const std::byte* schedule, std::uint64_t& high, std::uint64_t& low,
                                         std::span<const std::byte> in, std::byte* out) {
    std::size_t done = 0;
    for (; in.size() - done >= BatchSize; done += BatchSize) {
        __m256i blocks[Pairs];
        batch_counters(blocks, high, low);
        const __m256i first = round_key(schedule, 0);
        SALLYPORT_UNROLL
        for (auto& pair : blocks) pair = _mm256_xor_si256(pair, first);
        for (std::size_t round = 1; round + 1 < RoundKeys; ++round) {
            const __m256i key = round_key(schedule, round);
            SALLYPORT_UNROLL
            for (auto& pair : blocks) pair = _mm256_aesenc_epi128(pair, key);
        }
        const __m256i last = round_key(schedule, RoundKeys - 1);
        SALLYPORT_UNROLL
        for (std::size_t i = 0; i < Pairs; ++i) {
            const auto* const from = reinterpret_cast<const __m256i*>(in.data() + done) + i;
            const __m256i stream = _mm256_aesenclast_epi128(blocks[i], last);
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + done) + i,
                                _mm256_xor_si256(stream, _mm256_loadu_si256(from)));
        }
    }
    return done;
}

/// The key stream of one block.
SALLYPORT_VAES void one_block(const std::byte* schedule, std::uint64_t& high, std::uint64_t& low, std::byte* stream) {
    __m128i block = _mm256_castsi256_si128(_mm256_xor_si256(counters(high, low), round_key(schedule, 0)));
    for (std::size_t round = 1; round + 1 < RoundKeys; ++round) {
        block = _mm_aesenc_si128(block, _mm256_castsi256_si128(round_key(schedule, round)));
    }
    block = _mm_aesenclast_si128(block, _mm256_castsi256_si128(round_key(schedule, RoundKeys - 1)));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(stream), block);
}

}  // namespace

bool WideAesCtr::is_supported() {
    static const bool supported = [] {
        unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
        constexpr unsigned Vaes = 1U << 9;  // leaf 7, ECX
        const bool has_vaes = __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (ecx & Vaes) != 0;
        // Asks the operating system too whether it keeps the wide registers.
        return has_vaes && __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("aes") != 0;
    }();
    return supported;
}

Result<WideAesCtr> WideAesCtr::create(const SecureBytes& key, const std::array<std::byte, 16>& counter) {
    SecureBytes schedule = TRY(SecureBytes::of_size(ScheduleSize + BlockSize));
    expand(key.reveal(), schedule.writable());
    return WideAesCtr(std::move(schedule), from_big_endian(counter.data()), from_big_endian(counter.data() + 8));
}

void WideAesCtr::apply(std::span<const std::byte> in, std::span<std::byte> out) {
    const auto schedule = schedule_.writable();
    std::byte* const stream = schedule.data() + ScheduleSize;
    const auto use_rest = [&] {
        const std::size_t used = std::min(left_, in.size());
        for (std::size_t i = 0; i < used; ++i) out[i] = in[i] ^ stream[BlockSize - left_ + i];
        left_ -= used;
        in = in.subspan(used);
        out = out.subspan(used);
    };
    use_rest();
    if (in.empty()) return;
    const std::size_t done = apply_batches(schedule.data(), high_, low_, in, out.data());
    in = in.subspan(done);
    out = out.subspan(done);
    while (!in.empty()) {
        std::uint64_t high = high_, low = low_;
        one_block(schedule.data(), high, low, stream);
        count(high_, low_);  // counters() takes two numbers, of which one block is used
        left_ = BlockSize;
        use_rest();
    }
}

}  // namespace sallyport::crypto
