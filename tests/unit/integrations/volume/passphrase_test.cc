#include "integrations/volume/passphrase.h"

#include <gtest/gtest.h>

#include "keymanager/base/bytes.h"
#include "tests/unit/integrations/volume/scratch.h"

namespace sallyport::volume {
namespace {

std::string revealed(const Passphrase& passphrase) {
    return std::string(sallyport::text_of(passphrase.text().reveal()));
}

TEST(Passphrase, IsTheLowerCaseHexadecimalTextOfTheKeyAsNovaMakesIt) {
    // binascii.hexlify(bytes(range(0xa0, 0xc0))) of Python 3.11
    SecureBytes key = SecureBytes::of_size(32).value();
    for (std::size_t i = 0; i < 32; ++i) key.writable()[i] = static_cast<std::byte>(0xa0 + i);
    const auto passphrase = Passphrase::from_key(std::move(key), KeyKind::Symmetric);
    ASSERT_TRUE(passphrase);
    EXPECT_EQ(revealed(*passphrase), "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf");
    EXPECT_EQ(passphrase->random_bits(), 256u);
}

TEST(Passphrase, OfASecretOfTypePassphraseIsTheSecretItself) {
    const Passphrase passphrase = typed_passphrase("Grüße\n");
    EXPECT_EQ(revealed(passphrase), "Grüße\n");
    EXPECT_EQ(passphrase.random_bits(), 0u);
}

TEST(Passphrase, Of64KeyBytesHas128Characters) {
    const Passphrase passphrase = passphrase_of(std::string(KeyHex) + std::string(OtherKeyHex));
    EXPECT_EQ(passphrase.text().size(), 128u);
    EXPECT_EQ(passphrase.random_bits(), 512u);
}

TEST(Passphrase, OfAnEmptyKeyIsRefused) {
    const auto passphrase = Passphrase::from_key(SecureBytes(), KeyKind::Symmetric);
    ASSERT_FALSE(passphrase);
    EXPECT_EQ(passphrase.error().code, Code::InvalidInput);
}

TEST(Passphrase, LongerThanAKeySlotTakesIsRefused) {
    EXPECT_TRUE(Passphrase::from_key(SecureBytes::of_size(256).value(), KeyKind::Symmetric));
    EXPECT_FALSE(Passphrase::from_key(SecureBytes::of_size(257).value(), KeyKind::Symmetric));
    EXPECT_TRUE(Passphrase::from_key(SecureBytes::of_size(512).value(), KeyKind::Passphrase));
    EXPECT_FALSE(Passphrase::from_key(SecureBytes::of_size(513).value(), KeyKind::Passphrase));
}

TEST(Passphrase, OfATextOrAPatternHasNoRandomBits) {
    const auto text = Passphrase::from_key(SecureBytes::copy_of(bytes_of(KeyHex)).value(), KeyKind::Symmetric);
    EXPECT_EQ(text->random_bits(), 0u);
    const auto zeros = Passphrase::from_key(SecureBytes::of_size(32).value(), KeyKind::Symmetric);
    EXPECT_EQ(zeros->random_bits(), 0u);
}

}  // namespace
}  // namespace sallyport::volume
