#include "integrations/volume/clone.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integrations/volume/header_care.h"
#include "integrations/volume/volume_encryptor.h"
#include "tests/fakes/memory_ledger.h"
#include "tests/unit/integrations/volume/scratch.h"

namespace sallyport::volume {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t MiB = 1024 * 1024;
const SecretId Source("11111111-1111-4111-8111-111111111111");
const SecretId Own("22222222-2222-4222-8222-222222222222");
const model::VolumeUuid Uuid("6f1c2f3a-0f4b-4f0e-9a77-3d1f3b0a5c01");

class Clone : public testing::TestWithParam<LuksVersion> {
protected:
    void SetUp() override {
        ASSERT_TRUE(volumes_->format(source_, passphrase_of(KeyHex), {.version = GetParam()}));
        renew();
    }
    void renew() {
        std::filesystem::copy_file(source_.str(), clone_.str(), std::filesystem::copy_options::overwrite_existing);
    }
    Result<RotateReport> rekey(const DevicePath& device, bool force = false) {
        return rekey_clone(
            device, passphrase_of(KeyHex), passphrase_of(OtherKeyHex),
            {.ledger = ledger_, .source_secret = Source, .own_secret = Own, .uuid = Uuid, .force = force});
    }
    std::string uuid(const DevicePath& device) { return volumes_->inspect(device)->luks->uuid; }
    void expect_done() {
        EXPECT_EQ(uuid(clone_), Uuid.str());
        EXPECT_TRUE(volumes_->test(clone_, passphrase_of(OtherKeyHex)));
        EXPECT_FALSE(volumes_->test(clone_, passphrase_of(KeyHex)));
        EXPECT_EQ(*ledger_.records[Uuid.str()].secret, Own);
        EXPECT_EQ(ledger_.records[Uuid.str()].change, model::VolumeChange::None);
        EXPECT_EQ(ledger_.kept[Uuid.str()].size(), 1u);
    }

    Scratch scratch_;
    MemoryLedger ledger_;
    const DevicePath source_ = scratch_.zeros("source", 20 * MiB);
    const DevicePath clone_ = DevicePath(scratch_.path("clone"));
    std::unique_ptr<VolumeEncryptor> volumes_ = make_luks_encryptor();
};

INSTANTIATE_TEST_SUITE_P(BothVersions, Clone, testing::Values(LuksVersion::Luks1, LuksVersion::Luks2),
                         [](const auto& one) { return std::string(text_of(one.param)); });

TEST_P(Clone, GetsAUuidAndAKeyOfItsOwn) {
    ASSERT_TRUE(keep_header_of(source_, ledger_, "request"));
    const std::string before = uuid(source_);
    const auto report = rekey(clone_);
    ASSERT_TRUE(report) << report.error().message;
    expect_done();
    EXPECT_EQ(uuid(source_), before);
    EXPECT_TRUE(volumes_->test(source_, passphrase_of(KeyHex)));
    EXPECT_EQ(ledger_.records[before].device, source_.str());
    EXPECT_EQ(ledger_.kept[before].size(), 1u);
    EXPECT_TRUE(rekey(clone_)->done.empty());
}

TEST_P(Clone, IsFinishedWhereTheKeyManagerWentAway) {
    for (const auto when : {MemoryLedger::Fails::Before, MemoryLedger::Fails::After}) {
        for (int call = 1;; ++call) {
            renew();
            ledger_ = {};
            ledger_.fail_at(call, when);
            if (rekey(clone_)) break;
            EXPECT_TRUE(volumes_->test(clone_, passphrase_of(KeyHex)) ||
                        volumes_->test(clone_, passphrase_of(OtherKeyHex)));
            ledger_.fail_at(0, when);
            const auto again = rekey(clone_);
            ASSERT_TRUE(again) << call << ": " << again.error().message;
            expect_done();
        }
    }
}

TEST_P(Clone, IsNotTheSourceItself) {
    ASSERT_TRUE(keep_header_of(source_, ledger_, "request"));
    const std::string before = uuid(source_);
    const auto refused = rekey(source_);
    EXPECT_EQ(refused.error().code, Code::Refused);
    EXPECT_THAT(refused.error().message, HasSubstr("itself was seen last"));
    EXPECT_EQ(uuid(source_), before);
    EXPECT_TRUE(rekey(source_, true));
    EXPECT_EQ(uuid(source_), Uuid.str());
}

TEST_P(Clone, IsNoOtherVolume) {
    const DevicePath other = scratch_.zeros("other", 20 * MiB);
    EXPECT_EQ(rekey(other).error().code, Code::InvalidInput);
    ASSERT_TRUE(volumes_->format(other, typed_passphrase("neither"),
                                 {.version = GetParam(), .profile = UnlockProfile::Passphrase}));
    EXPECT_EQ(rekey(other).error().code, Code::WrongKey);
    ledger_.records[Uuid.str()] = {
        .uuid = Uuid, .project = {}, .secret = SecretId("33333333-3333-4333-8333-333333333333")};
    EXPECT_EQ(rekey(clone_).error().code, Code::Conflict);
    EXPECT_NE(uuid(clone_), Uuid.str());
}

TEST_P(Clone, OfADoomedHeaderACopyIsKept) {
    const auto kept = keep_doomed_header(source_, ledger_, "before format");
    ASSERT_TRUE(kept && *kept);
    EXPECT_EQ((*kept)->uuid.str(), uuid(source_));
    EXPECT_TRUE(ledger_.records.contains(uuid(source_)));
    const DevicePath blank = scratch_.zeros("blank", 20 * MiB);
    const auto none = keep_doomed_header(blank, ledger_, "before format");
    ASSERT_TRUE(none);
    EXPECT_FALSE(*none);
    ledger_.fail_at(1, MemoryLedger::Fails::Before);
    EXPECT_FALSE(keep_doomed_header(DevicePath(scratch_.path("gone")), ledger_, "before format"));
    EXPECT_EQ(keep_doomed_header(clone_, ledger_, "before format").error().code, Code::Unavailable);
}

}  // namespace
}  // namespace sallyport::volume
