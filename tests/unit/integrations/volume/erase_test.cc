#include "integrations/volume/erase.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include "integrations/volume/header_care.h"
#include "integrations/volume/probe.h"
#include "integrations/volume/volume_encryptor.h"
#include "tests/fakes/memory_ledger.h"
#include "tests/unit/integrations/volume/scratch.h"

namespace sallyport::volume {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t MiB = 1024 * 1024;
const SecretId Secret("11111111-1111-4111-8111-111111111111");
const SecretId Another("22222222-2222-4222-8222-222222222222");

class EraseVolume : public testing::TestWithParam<LuksVersion> {
protected:
    DevicePath formatted() {
        const DevicePath path = scratch_.zeros("disk", 20 * MiB);
        EXPECT_TRUE(volumes_->format(path, passphrase_of(KeyHex), {.version = GetParam(), .force = true}));
        write_at(path.str(), 19 * MiB, "ciphertext of the guest");
        return path;
    }
    EraseOptions options() {
        return {.ledger = &ledger_, .secret = Secret, .certify = [this](const EraseReport&) -> Result<void> {
                    ++certified_;
                    return {};
                }};
    }
    Result<EraseReport> erase(const DevicePath& path) {
        const Passphrase key = passphrase_of(KeyHex);
        return erase_volume(path, &key, options());
    }
    /// As the agent does once the secret is gone.
    Result<EraseReport> go_on(const DevicePath& path) { return erase_volume(path, nullptr, options()); }
    bool opens(const DevicePath& path) { return static_cast<bool>(volumes_->test(path, passphrase_of(KeyHex))); }
    void expect_nothing_is_left(const DevicePath& path) {
        const Bytes bytes = read_all(path.str());
        const std::size_t end = GetParam() == LuksVersion::Luks1 ? 2 * MiB : 16 * MiB;
        EXPECT_TRUE(std::all_of(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(end),
                                [](std::byte b) { return b == std::byte{0}; }));
        EXPECT_EQ(bytes[19 * MiB], std::byte{'c'});
        EXPECT_TRUE(ledger_.records.empty());
        for (const auto& [uuid, versions] : ledger_.kept) EXPECT_TRUE(versions.empty());
        EXPECT_TRUE(ledger_.destroyed.contains(Secret.str()));
    }

    Scratch scratch_;
    MemoryLedger ledger_;
    int certified_ = 0;
    std::unique_ptr<VolumeEncryptor> volumes_ = make_luks_encryptor();
};

TEST_P(EraseVolume, LeavesNothingThatOpensIt) {
    const DevicePath path = formatted();
    ASSERT_TRUE(keep_header_of(path, ledger_, "request"));
    const HeaderBackup header = *header_of(path);
    const auto report = erase(path);
    ASSERT_TRUE(report) << report.error().message;
    expect_nothing_is_left(path);
    EXPECT_EQ(certified_, 1);
    EXPECT_EQ(report->volume.uuid, header.facts.uuid);
    EXPECT_EQ(report->volume.key_slots, std::vector<int>{0});
    EXPECT_EQ(report->header_copies, 1);
    EXPECT_EQ(report->secrets.at(0).ciphertexts, 1);
    EXPECT_EQ(report->verified.size(), 5u);
    EXPECT_FALSE(report->continued);
    EXPECT_EQ(erase(path).error().code, Code::InvalidInput);
}

TEST_P(EraseVolume, WorksWithoutAKeyManager) {
    const DevicePath path = formatted();
    const Passphrase key = passphrase_of(KeyHex);
    const auto report = erase_volume(path, &key, {});
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->verified.size(), 3u);
    EXPECT_FALSE(opens(path));
}

TEST_P(EraseVolume, DestroysTheSecretsOfAnUnfinishedRotation) {
    const DevicePath path = formatted();
    model::VolumeRecord record{.uuid = model::VolumeUuid(header_of(path)->facts.uuid), .project = {}};
    record.secret = Secret;
    record.next_secret = Another;
    ASSERT_TRUE(ledger_.put(record));
    ASSERT_TRUE(erase(path));
    EXPECT_TRUE(ledger_.destroyed.contains(Another.str()));
}

/// The ledger goes away at each of its calls, before or after it did what was asked.
TEST_P(EraseVolume, GoesOnAfterAKeyManagerThatWentAwayAnywhere) {
    int tried = 0;
    for (const auto when : {MemoryLedger::Fails::Before, MemoryLedger::Fails::After}) {
        for (int call = 1;; ++call) {
            const DevicePath path = formatted();
            ledger_ = {};
            certified_ = 0;
            ASSERT_TRUE(keep_header_of(path, ledger_, "request"));
            ledger_.fail_at(call, when);
            if (erase(path)) break;
            ++tried;
            const bool last_note_was_gone = ledger_.records.empty();
            ledger_.fail_at(0, when);
            if (last_note_was_gone) {
                expect_nothing_is_left(path);
                continue;
            }
            // The secret may be gone: without it an erasure that was begun goes on all the same.
            const auto again = ledger_.destroyed.empty() && opens(path) ? erase(path) : go_on(path);
            ASSERT_TRUE(again) << call << again.error().message;
            expect_nothing_is_left(path);
            EXPECT_GE(certified_, 1);
        }
    }
    EXPECT_GE(tried, 8);
}

TEST_P(EraseVolume, IsNotDoneBeforeItIsCertified) {
    const DevicePath path = formatted();
    const Passphrase key = passphrase_of(KeyHex);
    EraseOptions broken = options();
    broken.certify = [](const EraseReport&) -> Result<void> { return Error{Code::Io, "no room", {}}; };
    EXPECT_EQ(erase_volume(path, &key, broken).error().code, Code::Io);
    ASSERT_FALSE(ledger_.records.empty());
    const auto again = go_on(path);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_TRUE(again->continued);
    EXPECT_EQ(again->volume.key_slots, std::vector<int>{0});
    expect_nothing_is_left(path);
}

TEST_P(EraseVolume, TouchesNothingWhenItHasToRefuse) {
    const DevicePath path = formatted();
    const Passphrase wrong = passphrase_of(OtherKeyHex);
    EXPECT_EQ(erase_volume(path, &wrong, options()).error().code, Code::WrongKey);
    EXPECT_EQ(go_on(path).error().code, Code::NotFound);

    ledger_.in_use.insert(Secret.str());
    EXPECT_EQ(erase(path).error().code, Code::Conflict);
    ledger_.in_use.clear();

    model::VolumeRecord record{.uuid = model::VolumeUuid(header_of(path)->facts.uuid), .project = {}};
    record.secret = Another;
    ASSERT_TRUE(ledger_.put(record));
    EXPECT_THAT(erase(path).error().message, HasSubstr("names secret " + Another.str()));
    ASSERT_TRUE(ledger_.forget(record.uuid));
    EXPECT_TRUE(opens(path));
    EXPECT_TRUE(ledger_.destroyed.empty());
    EXPECT_EQ(erase(scratch_.zeros("blank", MiB)).error().code, Code::InvalidInput);
}

TEST_P(EraseVolume, RefusesADeviceInUseBeforeAnythingIsLost) {
    const DevicePath path = formatted();
    const int other = ::open(path.str().c_str(), O_RDWR);
    struct flock range {};
    range.l_type = F_RDLCK;
    range.l_start = 100;
    range.l_len = 1;
    ASSERT_EQ(fcntl(other, F_OFD_SETLK, &range), 0);  // as QEMU does
    EXPECT_EQ(erase(path).error().code, Code::Conflict);
    ::close(other);
    EXPECT_TRUE(opens(path));
    EXPECT_TRUE(ledger_.destroyed.empty());
    ASSERT_TRUE(erase(path));
}

/// An erasure was interrupted, and another disk is under the same name now.
TEST_P(EraseVolume, LeavesAnotherDiskInTheSamePlaceAlone) {
    const DevicePath path = formatted();
    ledger_.fail_at(2, MemoryLedger::Fails::Before);
    ASSERT_FALSE(erase(path));
    ledger_.fail_at(0, MemoryLedger::Fails::Before);
    ASSERT_TRUE(volumes_->format(path, passphrase_of(OtherKeyHex), {.version = GetParam(), .force = true}));
    EXPECT_EQ(go_on(path).error().code, Code::NotFound);
    EXPECT_TRUE(volumes_->test(path, passphrase_of(OtherKeyHex)));
    std::filesystem::resize_file(path.str(), 0);
    std::filesystem::resize_file(path.str(), 20 * MiB);
    ASSERT_TRUE(runs("mkfs.ext4 -q " + path.str()));
    EXPECT_EQ(go_on(path).error().code, Code::InvalidInput);
    EXPECT_EQ(volumes_->inspect(path)->what, "ext4");
}

INSTANTIATE_TEST_SUITE_P(Both, EraseVolume, testing::Values(LuksVersion::Luks1, LuksVersion::Luks2),
                         [](const auto& version) { return std::string(text_of(version.param)); });

}  // namespace
}  // namespace sallyport::volume
