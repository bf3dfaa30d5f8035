#include "integrations/volume/header_care.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integrations/volume/rotate.h"
#include "integrations/volume/volume_encryptor.h"
#include "tests/fakes/memory_ledger.h"
#include "tests/unit/integrations/volume/scratch.h"

namespace sallyport::volume {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t MiB = 1024 * 1024;

class HeaderCare : public testing::Test {
protected:
    DevicePath formatted(const std::string& name) {
        const DevicePath path = scratch_.zeros(name, 20 * MiB);
        EXPECT_TRUE(volumes_->format(path, passphrase_of(KeyHex), {}));
        return path;
    }
    void wipe_header(const DevicePath& path) { write_at(path.str(), 0, std::string(MiB, 'x')); }
    HeaderCheck check(const DevicePath& path) {
        const auto record = *ledger_.find_on(path);
        const auto kept = *ledger_.headers(record->uuid);
        return check_header(*record, kept.empty() ? std::nullopt : std::optional(kept.front()));
    }

    Scratch scratch_;
    MemoryLedger ledger_;
    std::unique_ptr<VolumeEncryptor> volumes_ = make_luks_encryptor();
};

TEST_F(HeaderCare, KeepsAHeaderOnceAndNotesItsPlace) {
    const DevicePath path = formatted("disk");
    const auto first = *keep_header_of(path, ledger_, "request");
    EXPECT_EQ(keep_header_of(path, ledger_, "request")->version, first.version);
    EXPECT_EQ(*volume_on(path, ledger_), first.uuid);
    wipe_header(path);
    EXPECT_EQ(*volume_on(path, ledger_), first.uuid);
    EXPECT_EQ(volume_on(scratch_.zeros("another", MiB), ledger_).error().code, Code::NotFound);
}

TEST_F(HeaderCare, RestoresADamagedHeaderAndKeepsTheDamage) {
    const DevicePath path = formatted("disk");
    const auto kept = *keep_header_of(path, ledger_, "request");
    wipe_header(path);
    const auto report = restore_header(*kept_header(ledger_, kept.uuid, kept.version), path, &ledger_, false);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->replaced_version, kept.version + 1);
    EXPECT_TRUE(volumes_->test(path, passphrase_of(KeyHex)));
    EXPECT_EQ(check(path).health, HeaderHealth::Same);
}

TEST_F(HeaderCare, PutsNoHeaderOverAnotherVolumeOrAFileSystem) {
    const DevicePath path = formatted("disk");
    const HeaderBackup header = *header_of(path);
    const DevicePath other = formatted("other");
    const auto refused = restore_header(header, other, nullptr, false);
    EXPECT_EQ(refused.error().code, Code::Refused);
    EXPECT_THAT(refused.error().message, HasSubstr("holds volume"));
    EXPECT_TRUE(restore_header(header, other, nullptr, true));

    const DevicePath ext4 = scratch_.zeros("ext4", 20 * MiB);
    ASSERT_TRUE(runs("mkfs.ext4 -q " + ext4.str()));
    EXPECT_THAT(restore_header(header, ext4, nullptr, false).error().message, HasSubstr("holds ext4"));
    EXPECT_EQ(restore_header(header, scratch_.zeros("small", MiB), nullptr, true).error().code, Code::InvalidInput);
}

TEST_F(HeaderCare, RefusesAHeaderWithAnotherPlaceForTheData) {
    const DevicePath path = formatted("disk");
    HeaderBackup header = *header_of(path);
    header.facts.data_offset += 512;
    EXPECT_THAT(restore_header(header, path, nullptr, false).error().message, HasSubstr("has its data at byte"));
}

TEST_F(HeaderCare, LeavesTheDeviceAloneIfWhatIsThereCannotBeKept) {
    const DevicePath path = formatted("disk");
    const auto kept = *keep_header_of(path, ledger_, "request");
    const HeaderBackup header = *kept_header(ledger_, kept.uuid, kept.version);
    wipe_header(path);
    const Bytes before = read_all(path.str());
    ledger_.fail_at(1, MemoryLedger::Fails::Before);
    EXPECT_EQ(restore_header(header, path, &ledger_, false).error().code, Code::Unavailable);
    EXPECT_EQ(read_all(path.str()), before);
}

/// cryptsetup re-encrypts it: the key opens it all the while, and another header would make noise of the data.
TEST_F(HeaderCare, LeavesAVolumeThatIsBeingReencryptedAlone) {
    const DevicePath path = formatted("disk");
    const HeaderBackup before = *header_of(path);
    ASSERT_TRUE(runs("printf %s " + std::string(KeyHex) +
                     " | cryptsetup reencrypt -q --init-only --force-offline-reencrypt --pbkdf pbkdf2 "
                     "--pbkdf-force-iterations 1000 --key-file=- " +
                     path.str()));
    const auto opened = volumes_->test(path, passphrase_of(KeyHex));
    EXPECT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(volumes_->test(path, passphrase_of(OtherKeyHex)).error().code, Code::WrongKey);
    EXPECT_THAT(restore_header(before, path, nullptr, false).error().message, HasSubstr("being re-encrypted"));
    EXPECT_THAT(rotate_key(path, passphrase_of(KeyHex), passphrase_of(OtherKeyHex), {}).error().message,
                HasSubstr("being re-encrypted"));
}

TEST_F(HeaderCare, SeesEveryKindOfDrift) {
    const DevicePath path = formatted("disk");
    const auto kept = *keep_header_of(path, ledger_, "request");
    EXPECT_EQ(check(path).health, HeaderHealth::Same);

    ASSERT_TRUE(runs("cryptsetup config --label changed " + path.str()));
    EXPECT_EQ(check(path).health, HeaderHealth::Changed);
    EXPECT_THAT(check(path).found, HasSubstr("since version 1"));

    write_at(path.str(), 5000, "damage");
    EXPECT_EQ(check(path).health, HeaderHealth::Damaged);
    wipe_header(path);
    EXPECT_EQ(check(path).health, HeaderHealth::Damaged);

    std::filesystem::remove(path.str());
    EXPECT_EQ(check(path).health, HeaderHealth::Absent);
    formatted("disk");
    EXPECT_EQ(check(path).health, HeaderHealth::Absent);

    model::VolumeRecord record = ledger_.records[kept.uuid.str()];
    record.uuid = *volume_on(path, ledger_);
    EXPECT_EQ(check_header(record, std::nullopt).health, HeaderHealth::NoCopy);
}

TEST_F(HeaderCare, TakesNoHeaderFromWhatHasNone) {
    EXPECT_EQ(header_of(scratch_.zeros("blank", MiB)).error().code, Code::InvalidInput);
    EXPECT_EQ(header_of(DevicePath(scratch_.path("none"))).error().code, Code::NotFound);
}

}  // namespace
}  // namespace sallyport::volume
