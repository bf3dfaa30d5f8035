#include "keymanager/crypto/aes_ctr.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"

namespace sallyport::crypto {
namespace {

SecureBytes key_of(std::string_view hex) { return *SecureBytes::copy_of(*from_hex(hex)); }

CounterBlock block_of(std::string_view hex) {
    CounterBlock block{};
    const Bytes bytes = *from_hex(hex);
    std::copy(bytes.begin(), bytes.end(), block.begin());
    return block;
}

std::string applied(const SecureBytes& key, const CounterBlock& iv, std::uint64_t offset, std::string_view hex) {
    Bytes data = *from_hex(hex);
    auto stream = AesCtr::create(key, iv, offset);
    EXPECT_TRUE(stream);
    EXPECT_TRUE(stream->apply(data));
    return to_hex(data);
}

// NIST SP 800-38A, F.5.5 CTR-AES256.Encrypt.
constexpr auto NistKey = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
constexpr auto NistCounter = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";
constexpr auto NistPlain =
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
constexpr auto NistCipher =
    "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
    "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6";

TEST(AesCtr, EncryptsTheVectorOfNist) {
    EXPECT_EQ(applied(key_of(NistKey), block_of(NistCounter), 0, NistPlain), NistCipher);
}

TEST(AesCtr, DecryptsFromAnyOffset) {
    const SecureBytes key = key_of(NistKey);
    for (std::size_t offset = 0; offset <= 64; ++offset) {
        EXPECT_EQ(applied(key, block_of(NistCounter), offset, std::string_view(NistCipher).substr(2 * offset)),
                  std::string_view(NistPlain).substr(2 * offset))
            << offset;
    }
}

// Key streams made by python3-cryptography 38.0.4: key 00..1f, 64 zero bytes.
constexpr auto WrapKey = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

TEST(AesCtr, WrapsItsCounterAtTwoToThe128) {
    const auto stream =
        applied(key_of(WrapKey), block_of("fffffffffffffffffffffffffffffffe"), 0, std::string(128, '0'));
    EXPECT_EQ(stream,
              "63e5b402b51e48ddfaedf9de99cc2744e999e41d4ca770da5387117b5d8f57ee"
              "f29000b62a499fd0a9f39a6add2e7780f05d76ae4ab99fe5a6f69b3148c2363d");
    EXPECT_EQ(applied(key_of(WrapKey), block_of("fffffffffffffffffffffffffffffffe"), 35, std::string(2 * 29, '0')),
              stream.substr(70));
}

TEST(AesCtr, CarriesOutOfItsLower64Bits) {
    EXPECT_EQ(applied(key_of(WrapKey), block_of("0000000000000000ffffffffffffffff"), 0, std::string(128, '0')),

              "a6fbdb5cfde07d1b58fd362177bcffdf511dd5ef9a682b7da49f91c86c4f7ac3"
              "40c53cef92ef2d643f638b8222db1e85310b647d319ddc92e4539e9bbe37078d");
}

TEST(AesCtr, AppliesInPiecesAsInOne) {
    auto stream = AesCtr::create(key_of(NistKey), block_of(NistCounter));
    ASSERT_TRUE(stream);
    Bytes data = *from_hex(NistPlain);
    for (std::size_t at = 0; at < data.size(); at += 7) {
        ASSERT_TRUE(stream->apply(std::span(data).subspan(at, std::min<std::size_t>(7, data.size() - at))));
    }
    EXPECT_EQ(to_hex(data), NistCipher);
}

/// A message of `size` bytes, encrypted in pieces of some size, from memory to memory.
Bytes encrypted(Result<AesCtr> stream, std::size_t size, std::size_t piece) {
    Bytes in(size), out(size);
    for (std::size_t i = 0; i < size; ++i) in[i] = static_cast<std::byte>(i * 7);
    for (std::size_t at = 0; at < size; at += piece) {
        const std::size_t length = std::min(piece, size - at);
        EXPECT_TRUE(
            stream->apply(std::span<const std::byte>(in).subspan(at, length), std::span(out).subspan(at, length)));
    }
    return out;
}

TEST(AesCtr, IsThatOfOpenSslAtEveryLengthOffsetAndCarry) {
    const SecureBytes key = key_of(NistKey);
    for (const char* counter : {"f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", "0000000000000000fffffffffffffff8",
                                "fffffffffffffffffffffffffffffff0", "0000000000000000ffffffffffffffee"}) {
        for (std::size_t size = 0; size < 1100; size += size < 300 ? 1 : 13) {
            for (const std::size_t offset : {0, 1, 15, 16, 4095}) {
                const CounterBlock iv = block_of(counter);
                EXPECT_EQ(encrypted(AesCtr::create(key, iv, offset), size, 4096),
                          encrypted(AesCtr::create_by_openssl(key, iv, offset), size, 4096))
                    << counter << " " << size << " " << offset;
            }
        }
    }
}

TEST(AesCtr, IsThatOfOpenSslInPiecesOfAnySize) {
    const SecureBytes key = key_of(WrapKey);
    const CounterBlock iv = block_of("fffffffffffffffffffffffffffffff0");
    const Bytes expected = encrypted(AesCtr::create_by_openssl(key, iv), 3000, 3000);
    for (std::size_t piece = 1; piece < 600; ++piece)
        EXPECT_EQ(encrypted(AesCtr::create(key, iv), 3000, piece), expected);
}

TEST(AesCtr, RefusesAKeyOfAnotherLength) {
    EXPECT_EQ(AesCtr::create(key_of("00"), CounterBlock{}).error().code, Code::InvalidInput);
    EXPECT_EQ(AesCtr::create(SecureBytes(), CounterBlock{}).error().code, Code::InvalidInput);
}

TEST(AesCtr, AdvancesTheCounterModuloTwoToThe128) {
    EXPECT_EQ(advance_counter(block_of("ffffffffffffffffffffffffffffffff"), 1), CounterBlock{});
    EXPECT_EQ(advance_counter(block_of("000000000000000100000000000000ff"), 0xffffffffffffff01U),
              block_of("00000000000000020000000000000000"));
}

}  // namespace
}  // namespace sallyport::crypto
