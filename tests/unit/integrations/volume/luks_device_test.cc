#include "integrations/volume/luks_device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integrations/volume/probe.h"
#include "tests/unit/integrations/volume/scratch.h"

namespace sallyport::volume {
namespace {

constexpr std::uint64_t MiB = 1024 * 1024;

std::string refusal(std::uint64_t size, const Passphrase& passphrase, const FormatOptions& options, Code code) {
    const auto header = make_header(size, "DEV", passphrase, options);
    EXPECT_FALSE(header);
    if (header) return {};
    EXPECT_EQ(header.error().code, code) << header.error().message;
    return header.error().message;
}

TEST(NewHeader, HasTheOptionsThatWereAskedFor) {
    const auto header =
        make_header(64 * MiB, "DEV", passphrase_of(KeyHex),
                    {.version = LuksVersion::Luks2, .key_bits = 256, .sector_size = 4096, .label = "db"});
    ASSERT_TRUE(header) << header.error().message;
    const LuksFacts luks = *probe(header->image)->luks;
    EXPECT_EQ(luks.key_bits, 256u);
    EXPECT_EQ(luks.sector_size, 4096u);
    EXPECT_EQ(luks.label, "db");
    EXPECT_EQ(luks.data_offset, 16 * MiB);
    ASSERT_EQ(luks.key_slots.size(), 1u);
    EXPECT_EQ(luks.key_slots[0].kdf, "pbkdf2");
    EXPECT_EQ(luks.key_slots[0].iterations, 1000u);
}

TEST(NewHeader, OfAPassphraseTakesArgon2idWithinBounds) {
    const auto header =
        make_header(64 * MiB, "DEV", typed_passphrase("correct horse"), {.profile = UnlockProfile::Passphrase});
    ASSERT_TRUE(header) << header.error().message;
    const KeySlotFacts slot = probe(header->image)->luks->key_slots.at(0);
    EXPECT_EQ(slot.kdf, "argon2id");
    EXPECT_EQ(slot.memory_kib, 64u * 1024);
    EXPECT_GE(slot.iterations, 4u);
}

TEST(NewHeader, OfAPassphraseInLuks1IsCalibrated) {
    const auto header = make_header(64 * MiB, "DEV", typed_passphrase("correct horse"),
                                    {.version = LuksVersion::Luks1, .profile = UnlockProfile::Passphrase});
    ASSERT_TRUE(header) << header.error().message;
    EXPECT_GT(probe(header->image)->luks->key_slots.at(0).iterations, 50'000u);
}

TEST(NewHeader, OfASmallDeviceLeavesRoomForDataAndASecondKey) {
    const auto header = make_header(MiB, "DEV", passphrase_of(KeyHex), {});
    ASSERT_TRUE(header) << header.error().message;
    EXPECT_LT(header->key.data_offset, 600u * 1024);
}

TEST(NewHeader, DoesNotFitOnADeviceThatIsTooSmall) {
    EXPECT_THAT(refusal(2 * MiB, passphrase_of(KeyHex), {.version = LuksVersion::Luks1}, Code::InvalidInput),
                testing::StartsWith("DEV is too small"));
    EXPECT_THAT(refusal(512 * 1024, passphrase_of(KeyHex), {}, Code::InvalidInput),
                testing::StartsWith("DEV is too small"));
}

TEST(NewHeader, OfTheRandomKeyProfileNeeds256RandomBits) {
    const Passphrase key128 = passphrase_of(KeyHex.substr(0, 32));
    EXPECT_THAT(refusal(64 * MiB, key128, {}, Code::Refused), testing::HasSubstr("has 128: use profile passphrase"));
    EXPECT_THAT(refusal(64 * MiB, typed_passphrase(KeyHex), {}, Code::Refused),
                testing::HasSubstr("a text or a pattern"));
}

TEST(NewHeader, RefusesOptionsThatDoNotGoTogether) {
    const Passphrase key = passphrase_of(KeyHex);
    EXPECT_THAT(refusal(64 * MiB, key, {.version = LuksVersion::Luks1, .sector_size = 4096}, Code::InvalidInput),
                testing::HasSubstr("LUKS1"));
    EXPECT_THAT(refusal(64 * MiB, key, {.version = LuksVersion::Luks1, .label = "x"}, Code::InvalidInput),
                testing::HasSubstr("label"));
    EXPECT_THAT(refusal(64 * MiB, key, {.sector_size = 513}, Code::InvalidInput), testing::HasSubstr("513"));
    EXPECT_THAT(refusal(64 * MiB + 512, key, {.sector_size = 4096}, Code::InvalidInput),
                testing::HasSubstr("multiple"));
    EXPECT_THAT(refusal(64 * MiB, key, {.key_bits = 0}, Code::InvalidInput), testing::HasSubstr("impossible"));
    EXPECT_THAT(refusal(64 * MiB, key, {.label = std::string(48, 'x')}, Code::InvalidInput), testing::HasSubstr("47"));
    for (const char* cipher : {"aes", "-xts", "aes-", ""})
        refusal(64 * MiB, key, {.cipher = cipher}, Code::InvalidInput);
    EXPECT_THAT(refusal(64 * MiB, key, {.cipher = "nonsense-xts-plain64"}, Code::InvalidInput),
                testing::HasSubstr("nonsense"));
    refusal(64 * MiB, key, {.key_bits = 384}, Code::InvalidInput);
}

TEST(LuksDevice, SaysWhenAHeaderAsksForMoreThanAllowed) {
    const NewHeader header =
        make_header(64 * MiB, "DEV", typed_passphrase("correct horse"), {.profile = UnlockProfile::Passphrase}).value();
    LuksDevice luks =
        LuksDevice::load(header.image.proc_path(), "DEV", LuksVersion::Luks2, {.memory_kib = 1024}).value();
    const auto slot = luks.unlock(typed_passphrase("correct horse"), nullptr, 0);
    ASSERT_FALSE(slot);
    EXPECT_EQ(slot.error().code, Code::Refused);
    EXPECT_THAT(slot.error().message, testing::StartsWith("DEV: key slot 0 asks for 4 iterations over 64 MiB"));
}

TEST(LuksDevice, GivesTheVolumeKeyOnlyToTheRightPassphrase) {
    const NewHeader header = make_header(64 * MiB, "DEV", passphrase_of(KeyHex), {}).value();
    LuksDevice luks = LuksDevice::load(header.image.proc_path(), "DEV", LuksVersion::Luks2, {}).value();
    const VolumeKey key = luks.volume_key(passphrase_of(KeyHex)).value();
    EXPECT_TRUE(equal_in_constant_time(key.bytes.reveal(), header.key.bytes.reveal()));
    EXPECT_EQ(key.data_offset, header.key.data_offset);
    const auto wrong = luks.volume_key(passphrase_of(OtherKeyHex));
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, Code::WrongKey);
    EXPECT_EQ(wrong.error().message, "this key opens no key slot of DEV (LUKS2, slots 0)");
}

}  // namespace
}  // namespace sallyport::volume
