#include "integrations/volume/rotate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integrations/volume/file.h"
#include "integrations/volume/header_care.h"
#include "integrations/volume/volume_encryptor.h"
#include "tests/fakes/memory_ledger.h"
#include "tests/unit/integrations/volume/scratch.h"

namespace sallyport::volume {
namespace {

constexpr std::uint64_t MiB = 1024 * 1024;
const SecretId OldSecret("11111111-1111-4111-8111-111111111111");
const SecretId NewSecret("22222222-2222-4222-8222-222222222222");

class RotateKey : public testing::TestWithParam<LuksVersion> {
protected:
    DevicePath formatted(std::uint64_t size = 20 * MiB) {
        const DevicePath path = scratch_.zeros("disk", size);
        EXPECT_TRUE(volumes_->format(path, passphrase_of(KeyHex), {.version = GetParam(), .force = true}));
        return path;
    }
    Result<RotateReport> rotate(const DevicePath& path, Ledger* ledger) {
        return rotate_key(path, passphrase_of(KeyHex), passphrase_of(OtherKeyHex),
                          {.ledger = ledger, .old_secret = OldSecret, .new_secret = NewSecret});
    }
    bool opens(const DevicePath& path, std::string_view key) {
        return static_cast<bool>(volumes_->test(path, passphrase_of(key)));
    }
    model::VolumeRecord& record() { return ledger_.records.begin()->second; }

    Scratch scratch_;
    MemoryLedger ledger_;
    std::unique_ptr<VolumeEncryptor> volumes_ = make_luks_encryptor();
};

TEST_P(RotateKey, GivesTheVolumeTheNewKeyAndTakesTheOld) {
    const DevicePath path = formatted();
    const auto report = rotate(path, &ledger_);
    ASSERT_TRUE(report) << report.error().message << report.error().detail;
    EXPECT_TRUE(opens(path, OtherKeyHex));
    EXPECT_FALSE(opens(path, KeyHex));
    EXPECT_EQ(record().secret, NewSecret);
    EXPECT_EQ(record().change, model::VolumeChange::None);
    const auto kept = *ledger_.headers(record().uuid);
    ASSERT_EQ(kept.size(), 1u);
    EXPECT_EQ(kept.front().version, 3);
    EXPECT_TRUE(rotate(path, &ledger_)->done.empty());
    const auto facts = *volumes_->inspect(path);
    ASSERT_EQ(facts.luks->key_slots.size(), 1u);
    EXPECT_EQ(facts.luks->key_slots[0].iterations, 1000u);
}

TEST_P(RotateKey, WorksWithoutAKeyManager) {
    const DevicePath path = formatted();
    const auto report = rotate(path, nullptr);
    ASSERT_TRUE(report) << report.error().message << report.error().detail;
    EXPECT_EQ(report->done, (std::vector{RotationStep::AddNew, RotationStep::RemoveOld}));
    EXPECT_TRUE(opens(path, OtherKeyHex));
    EXPECT_FALSE(opens(path, KeyHex));
    EXPECT_TRUE(runs("printf %s " + std::string(OtherKeyHex) + " | cryptsetup open --test-passphrase --key-file=- " +
                     path.str()));
}

TEST_P(RotateKey, LeavesTheKeySlotsOfOthers) {
    const DevicePath path = formatted();
    ASSERT_TRUE(runs("printf recovery > " + scratch_.path("third") + " && printf %s " + std::string(KeyHex) +
                     " | cryptsetup luksAddKey --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file=- " +
                     path.str() + " " + scratch_.path("third")));
    ASSERT_TRUE(rotate(path, &ledger_));
    EXPECT_TRUE(volumes_->test(path, typed_passphrase("recovery")));
    EXPECT_FALSE(opens(path, KeyHex));
}

TEST_P(RotateKey, GivesWhatPeopleRememberAnExpensiveSlot) {
    const DevicePath path = formatted();
    ASSERT_TRUE(rotate_key(path, passphrase_of(KeyHex), typed_passphrase("correct horse"), {}));
    EXPECT_TRUE(volumes_->test(path, typed_passphrase("correct horse")));
    EXPECT_GT(volumes_->inspect(path)->luks->key_slots.at(0).iterations, GetParam() == LuksVersion::Luks1 ? 1000u : 3u);
}

/// The key manager goes away at each of its calls, before or after it did what was asked; what is on the device and in
/// the records opens, and the next attempt ends it.
TEST_P(RotateKey, SurvivesAKeyManagerThatGoesAwayAnywhere) {
    int tried = 0;
    for (const auto when : {MemoryLedger::Fails::Before, MemoryLedger::Fails::After}) {
        for (int call = 1;; ++call) {
            const DevicePath path = formatted();
            ledger_ = {};
            ledger_.fail_at(call, when);
            if (rotate(path, &ledger_)) break;
            ++tried;
            if (!ledger_.records.empty() && record().secret) {
                EXPECT_TRUE(opens(path, *record().secret == OldSecret ? KeyHex : OtherKeyHex)) << call;
            } else {
                EXPECT_TRUE(opens(path, KeyHex)) << call;
            }
            ledger_.fail_at(0, when);
            const auto again = rotate(path, &ledger_);
            ASSERT_TRUE(again) << again.error().message;
            EXPECT_EQ(record().secret, NewSecret);
            EXPECT_FALSE(opens(path, KeyHex));
        }
    }
    EXPECT_GE(tried, 14);
}

TEST_P(RotateKey, RefusesWhatMakesNoSense) {
    const DevicePath path = formatted();
    EXPECT_EQ(rotate_key(path, passphrase_of(KeyHex), passphrase_of(KeyHex), {}).error().code, Code::InvalidInput);
    EXPECT_EQ(rotate_key(path, typed_passphrase("neither"), passphrase_of(OtherKeyHex), {}).error().code,
              Code::WrongKey);
    EXPECT_EQ(rotate(scratch_.zeros("blank", MiB), nullptr).error().code, Code::InvalidInput);

    model::VolumeRecord third{.uuid = model::VolumeUuid(volumes_->inspect(path)->luks->uuid), .project = {}};
    third.secret = SecretId("33333333-3333-4333-8333-333333333333");
    ASSERT_TRUE(ledger_.put(third));
    const auto conflict = rotate(path, &ledger_);
    EXPECT_EQ(conflict.error().code, Code::Conflict);
    EXPECT_THAT(conflict.error().message, testing::HasSubstr("luksUUID"));
    third.secret = OldSecret;
    third.change = model::VolumeChange::Erasure;
    ASSERT_TRUE(ledger_.put(third));
    EXPECT_THAT(rotate(path, &ledger_).error().message, testing::HasSubstr("is being erased"));
    EXPECT_TRUE(opens(path, KeyHex));
    EXPECT_FALSE(opens(path, OtherKeyHex));
}

TEST_P(RotateKey, KeepsASecondRotationOut) {
    const DevicePath path = formatted();
    File other = *File::open(path, File::Access::Write);
    ASSERT_TRUE(other.lock_header());
    EXPECT_EQ(rotate(path, nullptr).error().code, Code::Conflict);
    EXPECT_EQ(volumes_->format(path, passphrase_of(KeyHex), {.force = true}).error().code, Code::Conflict);
}

TEST_P(RotateKey, RepairsARecordThatAnOldHeaderContradicts) {
    const DevicePath path = formatted();
    const HeaderBackup old_header = *header_of(path);
    ASSERT_TRUE(rotate(path, &ledger_));
    File file = *File::open(path, File::Access::Write);
    ASSERT_TRUE(put_header(old_header, file));
    const auto again = rotate(path, &ledger_);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_FALSE(opens(path, KeyHex));
    EXPECT_EQ(record().secret, NewSecret);
}

TEST(RotateCompactHeader, SaysThatNoKeySlotIsFree) {
    const Scratch scratch;
    const DevicePath path = scratch.zeros("disk", 4 * MiB);  // a compact header has room for two
    const auto volumes = make_luks_encryptor();
    ASSERT_TRUE(volumes->format(path, passphrase_of(KeyHex), {}));
    ASSERT_TRUE(runs("printf recovery > " + scratch.path("third") + " && printf %s " + std::string(KeyHex) +
                     " | cryptsetup luksAddKey --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file=- " +
                     path.str() + " " + scratch.path("third")));
    const auto full = rotate_key(path, passphrase_of(KeyHex), passphrase_of(OtherKeyHex), {});
    EXPECT_EQ(full.error().code, Code::Conflict) << full.error().message << full.error().detail;
    EXPECT_TRUE(volumes->test(path, passphrase_of(KeyHex)));
}

INSTANTIATE_TEST_SUITE_P(Both, RotateKey, testing::Values(LuksVersion::Luks1, LuksVersion::Luks2),
                         [](const auto& version) { return std::string(text_of(version.param)); });

}  // namespace
}  // namespace sallyport::volume
