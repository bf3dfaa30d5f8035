#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include "integrations/volume/probe.h"
#include "integrations/volume/volume_encryptor.h"
#include "keymanager/crypto/digest.h"
#include "tests/unit/integrations/volume/luks_builder.h"
#include "tests/unit/integrations/volume/scratch.h"

namespace sallyport::volume {
namespace {

constexpr std::uint64_t MiB = 1024 * 1024;

/// What every VolumeEncryptor promises is in tests/conformance/volume; here is what only LUKS on real files shows.
class Luks : public testing::Test {
protected:
    std::string refusal(const DevicePath& path, Code code) {
        const std::string before = hash_of(path);
        const auto formatted = volumes_->format(path, passphrase_of(KeyHex), {});
        EXPECT_FALSE(formatted);
        if (formatted) return {};
        EXPECT_EQ(formatted.error().code, code) << formatted.error().message;
        EXPECT_EQ(hash_of(path), before) << "the device was written to";
        return formatted.error().message;
    }
    std::string hash_of(const DevicePath& path) { return to_hex(crypto::sha256(read_all(path.str())).value()); }
    bool stock_opens(const DevicePath& path, std::string_view key_hex) {
        return runs("printf %s " + std::string(key_hex) + " | cryptsetup open --test-passphrase --key-file=- " +
                    path.str());
    }

    Scratch scratch_;
    std::unique_ptr<VolumeEncryptor> volumes_ = make_luks_encryptor();
};

TEST_F(Luks, FormatsWhatStockCryptsetupOpens) {
    for (const LuksVersion version : {LuksVersion::Luks1, LuksVersion::Luks2}) {
        for (const unsigned key_bits : {256u, 512u}) {
            const DevicePath path = scratch_.zeros("disk.img", 20 * MiB);
            const auto facts =
                volumes_->format(path, passphrase_of(KeyHex), {.version = version, .key_bits = key_bits});
            ASSERT_TRUE(facts) << facts.error().message;
            EXPECT_TRUE(stock_opens(path, KeyHex));
            EXPECT_FALSE(stock_opens(path, OtherKeyHex));
            std::filesystem::remove(path.str());
        }
    }
}

TEST_F(Luks, FormatsWithOtherCiphersThatStockCryptsetupOpens) {
    const DevicePath path = scratch_.zeros("disk.img", 20 * MiB);
    ASSERT_TRUE(volumes_->format(path, passphrase_of(KeyHex),
                                 {.version = LuksVersion::Luks1, .cipher = "aes-cbc-essiv:sha256", .key_bits = 256}));
    EXPECT_TRUE(stock_opens(path, KeyHex));
}

TEST_F(Luks, FormatsAPassphraseProfileThatStockCryptsetupOpens) {
    const DevicePath path = scratch_.zeros("disk.img", 20 * MiB);
    ASSERT_TRUE(volumes_->format(path, typed_passphrase("correct horse"), {.profile = UnlockProfile::Passphrase}));
    EXPECT_TRUE(runs("printf 'correct horse' | cryptsetup open --test-passphrase --key-file=- " + path.str()));
}

TEST_F(Luks, OpensWhatStockCryptsetupFormats) {
    for (const char* type : {"luks1", "luks2"}) {
        const DevicePath path = scratch_.zeros("disk.img", 20 * MiB);
        ASSERT_TRUE(runs("printf %s " + std::string(KeyHex) +
                         " | cryptsetup luksFormat -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --type " + type +
                         " --key-file=- " + path.str()));
        EXPECT_EQ(volumes_->test(path, passphrase_of(KeyHex)).value(), 0);
        EXPECT_EQ(volumes_->test(path, passphrase_of(OtherKeyHex)).error().code, Code::WrongKey);
        std::filesystem::remove(path.str());
    }
}

TEST_F(Luks, FormatRefusesAForgottenSecondaryHeader) {
    const DevicePath path = scratch_.zeros("disk.img", 20 * MiB);
    ASSERT_TRUE(volumes_->format(path, passphrase_of(KeyHex), {}));
    write_at(path.str(), 0, std::string(4096, '\0'));
    EXPECT_THAT(refusal(path, Code::Refused), testing::HasSubstr("holds LUKS2"));
}

TEST_F(Luks, FormatRefusesADamagedHeader) {
    Bytes device = luks2_device();
    device[5000] ^= std::byte{1};
    device[Luks2HeaderSize + 5000] ^= std::byte{1};
    const DevicePath path = scratch_.zeros("disk.img", 20 * MiB);
    write_at(path.str(), 0, sallyport::text_of(std::span(device)));
    EXPECT_THAT(refusal(path, Code::Refused), testing::HasSubstr("format it only with force"));
}

TEST_F(Luks, FormatRefusesAByteAtTheVeryEnd) {
    const DevicePath path = scratch_.zeros("disk.img", 100 * MiB);
    write_at(path.str(), 100 * MiB - 1, "x");
    EXPECT_THAT(refusal(path, Code::Refused), testing::HasSubstr("first at byte 104857599"));
}

TEST_F(Luks, FormatWithForceLeavesNoTraceOfWhatWasThere) {
    const DevicePath path = scratch_.zeros("disk.img", 100 * MiB);
    ASSERT_TRUE(volumes_->format(path, passphrase_of(OtherKeyHex), {.version = LuksVersion::Luks2}));
    write_at(path.str(), 3 * MiB, "old data");
    write_at(path.str(), 100 * MiB - 10, "old data");
    ASSERT_TRUE(volumes_->format(path, passphrase_of(KeyHex), {.version = LuksVersion::Luks1, .force = true}));
    const Bytes bytes = read_all(path.str());
    EXPECT_EQ(bytes[3 * MiB], std::byte{0});
    EXPECT_EQ(bytes[100 * MiB - 10], std::byte{0});
    EXPECT_TRUE(stock_opens(path, KeyHex));
    EXPECT_FALSE(runs("wipefs -n --noheadings " + path.str() + " | grep -v crypto_LUKS"));
}

TEST_F(Luks, FormatRefusesWhatAnotherProcessHasLockedEvenWithForce) {
    const DevicePath path = scratch_.zeros("disk.img", 20 * MiB);
    const int other = ::open(path.str().c_str(), O_RDWR);
    ASSERT_EQ(flock(other, LOCK_EX), 0);
    EXPECT_EQ(volumes_->format(path, passphrase_of(KeyHex), {.force = true}).error().code, Code::Conflict);
    ::close(other);
}

TEST_F(Luks, FormatCanBeRepeatedAfterItWasInterrupted) {
    const DevicePath path = scratch_.zeros("disk.img", 40 * MiB);
    write_at(path.str(), 0, format_marker());
    write_at(path.str(), 20000, "half a header");
    write_at(path.str(), 40 * MiB - 10, "leftover");
    EXPECT_EQ(volumes_->test(path, passphrase_of(KeyHex)).error().code, Code::InvalidInput);
    ASSERT_TRUE(volumes_->format(path, passphrase_of(KeyHex), {}));
    EXPECT_TRUE(stock_opens(path, KeyHex));
    const Bytes bytes = read_all(path.str());
    EXPECT_EQ(bytes[40 * MiB - 10], std::byte{0});
}

TEST_F(Luks, TestDoesNotMendAHeader) {
    const DevicePath path = scratch_.zeros("disk.img", 20 * MiB);
    ASSERT_TRUE(volumes_->format(path, passphrase_of(KeyHex), {}));
    write_at(path.str(), 5000, "damage");
    const std::string before = hash_of(path);
    const auto slot = volumes_->test(path, passphrase_of(KeyHex));
    EXPECT_TRUE(slot) << slot.error().message << slot.error().detail;
    EXPECT_EQ(hash_of(path), before);
}

TEST_F(Luks, TestTriesTheCheapSlotFirst) {
    const DevicePath path = scratch_.zeros("disk.img", 20 * MiB);
    ASSERT_TRUE(volumes_->format(path, typed_passphrase("correct horse"), {.profile = UnlockProfile::Passphrase}));
    const std::string first = scratch_.path("first"), second = scratch_.path("second");
    std::ofstream(first) << "correct horse";
    std::ofstream(second) << KeyHex;
    ASSERT_TRUE(runs("cryptsetup luksAddKey -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file " + first + " " +
                     path.str() + " " + second));
    EXPECT_EQ(volumes_->test(path, passphrase_of(KeyHex)).value(), 1);
    EXPECT_EQ(volumes_->test(path, typed_passphrase("correct horse")).value(), 0);
    EXPECT_EQ(volumes_->test(path, passphrase_of(OtherKeyHex)).error().message,
              "this key opens no key slot of " + path.str() + " (LUKS2, slots 0, 1)");
}

TEST_F(Luks, OpenRefusesNamesThatAreNoNames) {
    const DevicePath path = scratch_.zeros("disk.img", 20 * MiB);
    for (const char* name : {"", "a/b", "..", ".a", "control", "a b", "a\nb"}) {
        EXPECT_EQ(volumes_->open(path, passphrase_of(KeyHex), MappingName(name), {}).error().code, Code::InvalidInput)
            << name;
    }
    EXPECT_EQ(volumes_->open(path, passphrase_of(KeyHex), MappingName(std::string(128, 'a')), {}).error().code,
              Code::InvalidInput);
}

TEST_F(Luks, WrittenAsLuks1IsReadByQemu) {
    const DevicePath path = scratch_.zeros("disk.img", 20 * MiB);
    ASSERT_TRUE(volumes_->format(path, passphrase_of(KeyHex), {.version = LuksVersion::Luks1}));
    std::ofstream(scratch_.path("secret")) << KeyHex;
    const std::string read = "qemu-io --object secret,id=s,file=" + scratch_.path("secret") +
                             " --image-opts driver=luks,key-secret=s,file.filename=" + path.str() + " -c 'read 0 1M'";
    EXPECT_TRUE(runs(read));
    std::ofstream(scratch_.path("secret")) << OtherKeyHex;
    EXPECT_FALSE(runs(read));
}

}  // namespace
}  // namespace sallyport::volume
