#include "integrations/volume/sector_cipher.h"

#include <gtest/gtest.h>

#include "tests/unit/integrations/volume/scratch.h"

namespace sallyport::volume {
namespace {

// IEEE 1619-2007, annex B, vector 10: AES-256-XTS, data unit 255 of 512 bytes 00 01 .. ff 00 01 .. ff. Its beginning.
constexpr std::string_view Ieee1619Key10 =
    "271828182845904523536028747135266249775724709369995957496696762731415926535897932384626433832795028841971693993751"
    "05820974944592";
constexpr std::string_view Ieee1619Cipher10 = "1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b";

VolumeKey key_of(std::string_view hex, const std::string& cipher, unsigned sector_size) {
    return {from_hex_secure(bytes_of(hex)).value(), cipher, 0, sector_size};
}

Bytes counting(std::size_t size) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i);
    return bytes;
}

TEST(SectorCipher, EncryptsAsIeee1619Says) {
    const VolumeKey key = key_of(Ieee1619Key10, "aes-xts-plain64", 512);
    Bytes data = counting(512);
    ASSERT_TRUE(SectorCipher::make(key, SectorCipher::Direction::Encrypt)->process(255 * 512, data));
    EXPECT_EQ(to_hex(std::span(data).first(32)), Ieee1619Cipher10);
}

TEST(SectorCipher, DecryptsWhatItEncryptedWithEveryCipher) {
    for (const char* cipher :
         {"aes-xts-plain64", "aes-xts-plain", "aes-cbc-plain64", "aes-cbc-plain", "aes-cbc-essiv:sha256"}) {
        for (const unsigned sector_size : {512u, 4096u}) {
            const VolumeKey key = key_of(KeyHex, cipher, sector_size);
            Bytes data = counting(16384);
            ASSERT_TRUE(SectorCipher::make(key, SectorCipher::Direction::Encrypt)->process(8192, data)) << cipher;
            EXPECT_NE(data, counting(16384));
            ASSERT_TRUE(SectorCipher::make(key, SectorCipher::Direction::Decrypt)->process(8192, data));
            EXPECT_EQ(data, counting(16384)) << cipher;
        }
    }
}

TEST(SectorCipher, DependsOnWhereTheSectorLies) {
    const VolumeKey key = key_of(KeyHex, "aes-xts-plain64", 512);
    Bytes here = counting(512), there = counting(512);
    SectorCipher cipher = SectorCipher::make(key, SectorCipher::Direction::Encrypt).value();
    ASSERT_TRUE(cipher.process(0, here));
    ASSERT_TRUE(cipher.process(512, there));
    EXPECT_NE(here, there);
}

TEST(SectorCipher, TurnsAwayCiphersThatOnlyTheKernelKnows) {
    EXPECT_EQ(
        SectorCipher::make(key_of(KeyHex, "serpent-xts-plain64", 512), SectorCipher::Direction::Encrypt).error().code,
        Code::InvalidInput);
    EXPECT_EQ(
        SectorCipher::make(key_of("00112233", "aes-xts-plain64", 512), SectorCipher::Direction::Encrypt).error().code,
        Code::InvalidInput);
}

}  // namespace
}  // namespace sallyport::volume
