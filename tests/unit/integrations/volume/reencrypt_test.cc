#include "integrations/volume/reencrypt.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "integrations/volume/file.h"
#include "integrations/volume/header_care.h"
#include "integrations/volume/image_crypt.h"
#include "integrations/volume/luks_header.h"
#include "integrations/volume/rotate.h"
#include "integrations/volume/volume_encryptor.h"
#include "tests/fakes/memory_ledger.h"
#include "tests/unit/integrations/volume/scratch.h"
#include "tests/vectors/vectors.h"

namespace sallyport::volume {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t MiB = 1024 * 1024;
const SecretId Secret("11111111-1111-4111-8111-111111111111");

class ReencryptVolume : public testing::Test {
protected:
    /// An image with data that is told apart everywhere.
    DevicePath encrypted() {
        std::string text;
        for (std::uint64_t i = 0; i < 3 * MiB / 16; ++i) {
            std::string line = std::to_string(i);
            line.resize(16, '.');
            text += line;
        }
        std::ofstream(scratch_.path("plain"), std::ios::binary) << text;
        EXPECT_TRUE(encrypt_image(DevicePath(scratch_.path("plain")), scratch_.path("disk"), passphrase_of(KeyHex), {},
                                  {.replace = true}));
        return DevicePath(scratch_.path("disk"));
    }
    bool has_its_data(const DevicePath& path) {
        return decrypt_image(path, scratch_.path("back"), passphrase_of(KeyHex), {}, {.replace = true}) &&
               same_bytes(scratch_.path("back"), scratch_.path("plain"));
    }
    std::string volume_key(const DevicePath& path) { return volumes_->inspect(path)->luks->volume_key_digest; }
    ReencryptOptions options(Ledger* ledger) { return {.ledger = ledger, .secret = Secret}; }

    Scratch scratch_;
    MemoryLedger ledger_;
    std::unique_ptr<VolumeEncryptor> volumes_ = make_luks_encryptor();
};

TEST_F(ReencryptVolume, GivesTheDataAnotherVolumeKey) {
    const DevicePath path = encrypted();
    ASSERT_TRUE(keep_header_of(path, ledger_, "request"));
    const std::string before = volume_key(path);
    const auto report = reencrypt_volume(path, passphrase_of(KeyHex), options(&ledger_));
    ASSERT_TRUE(report) << report.error().message << report.error().detail;
    EXPECT_TRUE(report->finished);
    EXPECT_FALSE(report->continued);
    EXPECT_NE(volume_key(path), before);
    EXPECT_TRUE(has_its_data(path));
    EXPECT_TRUE(volumes_->inspect(path)->luks->requirements.empty());
    EXPECT_EQ(volumes_->inspect(path)->luks->key_slots.size(), 1u);
    // A copy from before would make noise of the data.
    EXPECT_EQ(ledger_.headers(model::VolumeUuid(report->uuid))->size(), 1u);
    EXPECT_EQ(ledger_.records.begin()->second.change, model::VolumeChange::None);
}

TEST_F(ReencryptVolume, StopsAndGoesOn) {
    const DevicePath path = encrypted();
    ReencryptOptions once = options(&ledger_);
    once.zone = MiB;
    once.more = [](std::uint64_t, std::uint64_t) { return false; };
    int pieces = 0;
    for (;; ++pieces) {
        ASSERT_LT(pieces, 100);
        const auto report = reencrypt_volume(path, passphrase_of(KeyHex), pieces == 0 ? once : options(&ledger_));
        ASSERT_TRUE(report) << report.error().message << report.error().detail;
        if (report->finished) break;
        EXPECT_FALSE(volumes_->inspect(path)->luks->requirements.empty());
        EXPECT_TRUE(volumes_->test(path, passphrase_of(KeyHex)));
        // Neither is for a volume in between.
        EXPECT_THAT(rotate_key(path, passphrase_of(KeyHex), passphrase_of(OtherKeyHex), {}).error().message,
                    HasSubstr("being re-encrypted"));
        EXPECT_EQ(ledger_.kept.begin()->second.size(), 2u);  // before, and with both keys
        const auto kept = ledger_.kept.begin()->second.front().first;
        EXPECT_THAT(
            restore_header(*kept_header(ledger_, kept.uuid, kept.version), path, nullptr, false).error().message,
            HasSubstr("being re-encrypted"));
    }
    EXPECT_EQ(pieces, 1);
    EXPECT_EQ(ledger_.kept.begin()->second.size(), 1u);
    EXPECT_TRUE(has_its_data(path));
}

TEST_F(ReencryptVolume, IsFinishedButOnceWhereTheKeyManagerWentAway) {
    for (const auto when : {MemoryLedger::Fails::Before, MemoryLedger::Fails::After}) {
        for (int call = 1;; ++call) {
            const DevicePath path = encrypted();
            ledger_ = {};
            ledger_.fail_at(call, when);
            const std::string before = volume_key(path);
            if (reencrypt_volume(path, passphrase_of(KeyHex), options(&ledger_))) break;
            const std::string between = volume_key(path);
            ledger_.fail_at(0, when);
            const auto again = reencrypt_volume(path, passphrase_of(KeyHex), options(&ledger_));
            ASSERT_TRUE(again) << again.error().message;
            EXPECT_NE(volume_key(path), before);
            // Only the last note may be lost without being missed: then nobody knows that it was done.
            const bool was_closed = between != before && when == MemoryLedger::Fails::After && again->total != 0;
            if (between != before && !was_closed) {
                EXPECT_EQ(volume_key(path), between) << call;
            }
            EXPECT_TRUE(has_its_data(path));
        }
    }
}

TEST_F(ReencryptVolume, LosesNobodysKeySlot) {
    const DevicePath path = encrypted();
    ASSERT_TRUE(runs("printf recovery > " + scratch_.path("third") + " && printf %s " + std::string(KeyHex) +
                     " | cryptsetup luksAddKey --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file=- " +
                     path.str() + " " + scratch_.path("third")));
    const auto refused = reencrypt_volume(path, passphrase_of(KeyHex), {});
    EXPECT_EQ(refused.error().code, Code::Conflict);
    EXPECT_THAT(refused.error().message, HasSubstr("key slots 1"));
    EXPECT_TRUE(volumes_->test(path, typed_passphrase("recovery")));
}

TEST_F(ReencryptVolume, RefusesWhatItCannotDo) {
    const DevicePath path = encrypted();
    EXPECT_EQ(reencrypt_volume(path, passphrase_of(OtherKeyHex), {}).error().code, Code::WrongKey);
    const DevicePath luks1 = scratch_.zeros("luks1", 20 * MiB);
    ASSERT_TRUE(volumes_->format(luks1, passphrase_of(KeyHex), {.version = LuksVersion::Luks1}));
    EXPECT_THAT(reencrypt_volume(luks1, passphrase_of(KeyHex), {}).error().message, HasSubstr("cryptsetup convert"));
    const DevicePath compact = scratch_.zeros("compact", 4 * MiB);
    ASSERT_TRUE(volumes_->format(compact, passphrase_of(KeyHex), {}));
    EXPECT_TRUE(reencrypt_volume(compact, passphrase_of(KeyHex), {}));  // there is just room for it
    EXPECT_TRUE(volumes_->test(compact, passphrase_of(KeyHex)));
    EXPECT_EQ(volumes_->inspect(compact)->luks->requirements.size(), 0u);

    const int other = ::open(path.str().c_str(), O_RDWR);
    struct flock range {};
    range.l_type = F_RDLCK;
    range.l_start = 100;
    range.l_len = 1;
    ASSERT_EQ(fcntl(other, F_OFD_SETLK, &range), 0);  // as QEMU does
    EXPECT_EQ(reencrypt_volume(path, passphrase_of(KeyHex), {}).error().code, Code::Conflict);
    ::close(other);
    EXPECT_TRUE(has_its_data(path));
}

/// The header of a volume whose re-encryption by cryptsetup 2.6.1 was killed before its last write.
TEST(ReencryptionThatIsOver, IsToldFromOneThatHasNotBegunAndFinished) {
    Scratch scratch;
    const DevicePath path = scratch.zeros("disk", 20 * MiB);
    ASSERT_TRUE(
        runs("xz -dc " + vectors_path("luks_states/reencryption_over.xz") + " | dd conv=notrunc of=" + path.str()));
    File file = *File::open(path, File::Access::Write);
    const LuksFacts before = **read_luks_header(file);
    EXPECT_TRUE(before.reencryption_is_over);
    EXPECT_EQ(before.key_slots.size(), 2u);
    ASSERT_TRUE(finish_luks2_reencryption(file, before));
    const LuksFacts after = **read_luks_header(file);
    EXPECT_FALSE(after.reencryption_is_over);
    EXPECT_TRUE(after.requirements.empty());
    ASSERT_EQ(after.key_slots.size(), 1u);
    EXPECT_EQ(after.key_slots.front().number, 1);
    EXPECT_EQ(after.volume_key_digest, before.volume_key_digest);
    EXPECT_EQ(after.header_copies[0].sequence, before.header_copies[0].sequence + 1);
    EXPECT_EQ(after.header_copies[1].sequence, after.header_copies[0].sequence);
    EXPECT_TRUE(runs("cryptsetup luksDump " + path.str()));
    EXPECT_EQ(finish_luks2_reencryption(file, after).error().code, Code::Corrupt);
}

TEST(ReencryptionThatIsOver, IsNotOneThatHasNotBegun) {
    Scratch scratch;
    const DevicePath path = scratch.zeros("disk", 20 * MiB);
    ASSERT_TRUE(
        runs("xz -dc " + vectors_path("luks_states/reencryption_begun.xz") + " | dd conv=notrunc of=" + path.str()));
    File file = *File::open(path, File::Access::Write);
    const LuksFacts facts = **read_luks_header(file);
    EXPECT_FALSE(facts.requirements.empty());
    EXPECT_FALSE(facts.reencryption_is_over);
    EXPECT_EQ(finish_luks2_reencryption(file, facts).error().code, Code::Corrupt);
}

}  // namespace
}  // namespace sallyport::volume
