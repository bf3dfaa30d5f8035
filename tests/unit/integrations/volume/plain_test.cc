#include "integrations/volume/plain.h"

#include <gtest/gtest.h>

#include "tests/unit/integrations/volume/scratch.h"

namespace sallyport::volume {
namespace {

std::string key_of(const PlainOptions& options) {
    const auto key = plain_volume_key(typed_passphrase("abc"), options);
    return key ? to_hex(key->bytes.reveal()) : key.error().message;
}

// RIPEMD-160 and SHA-256 of "abc" are the examples of their specifications (Dobbertin, Bosselaers, Preneel:
// "RIPEMD-160", appendix B; FIPS 180-4); those of "Aabc" were made with openssl dgst.
TEST(PlainVolumeKey, IsTheHashOfThePassphrase) {
    EXPECT_EQ(key_of({.hash = "ripemd160", .cipher = "aes-xts-plain64", .key_bits = 160}),
              "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc");
    EXPECT_EQ(key_of({.hash = "sha256", .cipher = "aes-xts-plain64", .key_bits = 256}),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(PlainVolumeKey, GoesOnWithTheHashOfALetterMore) {
    const std::string first = "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc";
    const std::string both = key_of({.hash = "ripemd160", .cipher = "aes-xts-plain64", .key_bits = 256});
    EXPECT_EQ(both.size(), 64u);
    EXPECT_EQ(both.substr(0, 40), first);
    EXPECT_EQ(both.substr(40), "7e368e412f739ece724fc229");
}

TEST(PlainVolumeKey, NeedsAHashThatIsKnown) {
    for (const char* hash : {"", "plain", "sha256:16", "none"}) {
        EXPECT_EQ(plain_volume_key(typed_passphrase("abc"), {.hash = hash, .key_bits = 256}).error().code,
                  Code::InvalidInput)
            << hash;
    }
    EXPECT_FALSE(plain_volume_key(typed_passphrase("abc"), {.hash = "sha256", .key_bits = 0}));
    EXPECT_FALSE(plain_volume_key(typed_passphrase("abc"), {.hash = "sha256", .key_bits = 257}));
}

}  // namespace
}  // namespace sallyport::volume
