#include "agent/guests/keeper.h"

#include <gtest/gtest.h>

#include <string>

#include "keymanager/base/bytes.h"
#include "tests/fakes/fake_hypervisor.h"
#include "tests/fakes/fake_volume_keys.h"

namespace sallyport::guests {
namespace {

using libvirt::ForeignSecret;
using libvirt::SecretUuid;
using libvirt::VolumeId;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto Volume = "11111111-2222-4333-8444-555555555501";
constexpr auto Uuid = "4b33363a-60e0-4c34-a3ae-c975a5370ee2";
constexpr auto Key = "6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11";
constexpr auto NewKey = "0c5f6a5e-9d0e-4cf1-9a53-5d5a4a6e3c55";
constexpr auto Device = "/images/v1";

std::string domain_xml() {
    return std::string("<domain><devices><disk><source file='") + Device +
           "'/><encryption format='luks'><secret type='passphrase' uuid='" + Volume +
           "'/></encryption><target dev='vda'/></disk></devices></domain>";
}

class KeeperTest : public testing::Test {
protected:
    void SetUp() override {
        keys.add_key(Key, "old");
        keys.add_key(NewKey, "new");
        hypervisor.define_domain("web1", domain_xml());
        hypervisor.define_domain("web2", domain_xml());
    }

    std::vector<Row> sync(ForeignSecret if_foreign = ForeignSecret::Refuse) {
        auto rows = keeper.sync(caller, if_foreign);
        EXPECT_TRUE(rows) << rows.error().message;
        return rows ? *std::move(rows) : std::vector<Row>{};
    }
    Action sync_action() {
        const auto rows = sync();
        EXPECT_EQ(rows.size(), 1U);
        return rows.empty() ? Action::Failed : rows.front().action;
    }
    Result<std::vector<Row>> prepare(milliseconds within = milliseconds(0)) {
        return keeper.prepare(caller, "web1", {{VolumeId(Volume), SecretUuid(Volume), "web1", "vda", Device}}, within);
    }
    Result<SecretUuid> inject(const char* key) {
        const auto passphrase = keys.passphrase(caller, SecretId(key));
        return keeper.put(caller, {VolumeId(Volume)}, SecretId(key), *passphrase);
    }
    std::string held() {
        const SecureBytes* value = hypervisor.value_of(VolumeId(Volume));
        return value == nullptr ? "nothing" : std::string(sallyport::text_of(value->reveal()));
    }

    const core::Caller caller{UserId("root"), ProjectId("node"), {"admin"}, ""};
    libvirt::FakeHypervisor hypervisor;
    FakeVolumeKeys keys{"node"};
    Keeper keeper{
        hypervisor, keys, {.self = caller, .pending = seconds(300), .queue = seconds(0), .retry = milliseconds(1)}};
};

TEST_F(KeeperTest, ASecretComesWithItsDomainAndGoesWithIt) {
    keys.note(Volume, {Key});
    EXPECT_TRUE(sync().empty());
    hypervisor.start("web1");
    EXPECT_EQ(sync_action(), Action::Put);
    EXPECT_EQ(held(), "old");
    hypervisor.end("web1");
    EXPECT_EQ(sync_action(), Action::Dropped);
    EXPECT_EQ(held(), "nothing");
    EXPECT_TRUE(sync().empty());
}

TEST_F(KeeperTest, ItStaysWhileAnotherDomainNeedsIt) {
    keys.note(Volume, {Key});
    hypervisor.start("web1");
    hypervisor.start("web2");
    sync();
    hypervisor.end("web1");
    EXPECT_EQ(sync_action(), Action::Put);
    EXPECT_EQ(held(), "old");
}

TEST_F(KeeperTest, AfterARestartOfTheHypervisorItIsPutAgain) {
    keys.note(Volume, {Key});
    hypervisor.start("web1");
    sync();
    hypervisor.restart();
    ASSERT_EQ(held(), "nothing");
    sync();
    EXPECT_EQ(held(), "old");
}

TEST_F(KeeperTest, WhatWasInjectedWaitsForItsDomain) {
    ASSERT_TRUE(inject(Key));
    EXPECT_EQ(sync_action(), Action::Waiting);
    EXPECT_EQ(held(), "old");
    EXPECT_EQ(keys.noted(Volume), Key);
}

TEST_F(KeeperTest, ADroppedKeyIsForgottenToo) {
    ASSERT_TRUE(inject(Key));
    EXPECT_TRUE(*keeper.drop(caller, VolumeId(Volume), ForeignSecret::Refuse));
    EXPECT_FALSE(*keeper.drop(caller, VolumeId(Volume), ForeignSecret::Refuse));
    hypervisor.start("web1");
    const auto rows = sync();
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows.front().action, Action::Failed);
    EXPECT_NE(rows.front().reason.find("libvirt inject"), std::string::npos) << rows.front().reason;
}

TEST_F(KeeperTest, AStaleValueIsReplacedByThatOfTheKeyThatOpensTheDisk) {
    keys.add_device(Device, "old");
    ASSERT_TRUE(inject(Key));
    hypervisor.start("web1");
    sync();
    keys.add_device(Device, "new");
    keys.note(Volume, {NewKey, Key});
    EXPECT_EQ(sync_action(), Action::Put);
    EXPECT_EQ(held(), "new");
}

TEST_F(KeeperTest, AnOldKeyThatStillOpensTheDiskIsTaken) {
    keys.add_device(Device, "old");
    keys.note(Volume, {NewKey, Key});
    ASSERT_TRUE(prepare());
    EXPECT_EQ(held(), "old");
}

TEST_F(KeeperTest, OneKeyAloneIsNotTriedBeforeADomainStarts) {
    keys.add_device(Device, "old");
    keys.note(Volume, {Key});
    ASSERT_TRUE(prepare());
    EXPECT_EQ(keys.tries(), 0);
    EXPECT_EQ(held(), "old");
}

TEST_F(KeeperTest, WhereNoneOpensTheDiskThatIsSaid) {
    keys.add_device(Device, "another");
    keys.note(Volume, {NewKey, Key});
    const auto refused = prepare();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::WrongKey);
    EXPECT_NE(refused.error().message.find(Device), std::string::npos) << refused.error().message;
    EXPECT_EQ(held(), "nothing");
}

TEST_F(KeeperTest, AKeyThatIsGoneIsPassedOverForOneThatIsThere) {
    keys.note(Volume, {NewKey, Key});
    keys.remove_key(NewKey);
    ASSERT_TRUE(prepare());
    EXPECT_EQ(held(), "old");
    keys.remove_key(Key);
    const auto refused = prepare();
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("no such secret"), std::string::npos) << refused.error().message;
}

TEST_F(KeeperTest, AHookMakesSureAndAnnouncesTheDomain) {
    keys.note(Volume, {Key});
    const auto rows = prepare();
    ASSERT_TRUE(rows) << rows.error().message;
    EXPECT_EQ(rows->front().action, Action::Put);
    EXPECT_EQ(held(), "old");
    EXPECT_EQ(sync_action(), Action::Waiting) << "the domain is about to start";
}

TEST_F(KeeperTest, AHookForAVolumeWithoutAKeyIsRefused) {
    const auto refused = prepare();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::NotFound);
    EXPECT_NE(refused.error().message.find("libvirt inject"), std::string::npos) << refused.error().message;
}

TEST_F(KeeperTest, AHookLeavesSecretsThatOthersMade) {
    hypervisor.define_foreign({SecretUuid(Volume), VolumeId(Volume), false, false});
    EXPECT_EQ(prepare()->front().action, Action::Foreign);
    hypervisor.define_foreign({SecretUuid(Volume), VolumeId(Volume), true, true});
    EXPECT_EQ(prepare()->front().action, Action::Foreign) << "no key of it is known here, but somebody put it";
}

TEST_F(KeeperTest, AHypervisorThatIsAwayIsTriedAgainUntilTheDeadline) {
    keys.note(Volume, {Key});
    hypervisor.fail_next({Code::Unavailable, "libvirtd is away", {}});
    ASSERT_TRUE(prepare(seconds(30)));
    hypervisor.fail_next({Code::Unavailable, "libvirtd is away", {}});
    const auto late = prepare(milliseconds(0));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, Code::Unavailable);
    EXPECT_NE(late.error().message.find("libvirtd is away"), std::string::npos) << late.error().message;
    EXPECT_NE(late.error().message.find("given up after"), std::string::npos) << late.error().message;
}

TEST_F(KeeperTest, WhileTheHypervisorIsStartingAHookIsRefusedAtOnceAndTheDomainStartedLater) {
    keys.note(Volume, {Key});
    hypervisor.autostart("web1");
    hypervisor.set_starting(true);
    const auto refused = prepare(seconds(30));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::Unavailable);
    EXPECT_NE(refused.error().message.find("autostart"), std::string::npos) << refused.error().message;
    EXPECT_FALSE(keeper.prepare(caller, "web2", {}, seconds(30))) << "one without autostart";
    hypervisor.set_starting(false);
    keeper.look_now();
    EXPECT_TRUE(hypervisor.is_running("web1"));
    EXPECT_FALSE(hypervisor.is_running("web2"));
    hypervisor.end("web1");
    keeper.look_now();
    EXPECT_FALSE(hypervisor.is_running("web1")) << "once";
}

TEST_F(KeeperTest, NovasSecretsAreReportedAndReplacedWhenAsked) {
    keys.note(Volume, {Key});
    hypervisor.start("web1");
    hypervisor.define_foreign({SecretUuid(Volume), VolumeId(Volume), false, false});
    EXPECT_EQ(sync_action(), Action::Foreign);
    EXPECT_EQ(sync(ForeignSecret::Replace).front().action, Action::Put);
    EXPECT_EQ(held(), "old");
}

TEST_F(KeeperTest, NovasSecretsThatNobodyNeedsAreDroppedWhenAskedIfTheyCouldBePutAgain) {
    hypervisor.define_foreign({SecretUuid(Uuid), VolumeId(Volume), false, false});
    EXPECT_EQ(sync_action(), Action::Foreign);
    const auto left = sync(ForeignSecret::Replace);
    EXPECT_EQ(left.front().action, Action::Foreign);
    EXPECT_NE(left.front().reason.find("no key"), std::string::npos) << left.front().reason;
    keys.note(Volume, {Key});
    EXPECT_EQ(sync(ForeignSecret::Replace).front().action, Action::Dropped);
    EXPECT_TRUE(hypervisor.list_secrets()->empty());
}

TEST_F(KeeperTest, ASecretWithoutAKnownKeyIsNeverDropped) {
    Keeper impatient{hypervisor, keys, {.self = caller, .pending = seconds(0), .queue = seconds(0)}};
    const auto passphrase = keys.passphrase(caller, SecretId(Key));
    ASSERT_TRUE(hypervisor.put_secret({VolumeId(Volume)}, passphrase->text()));
    EXPECT_TRUE(impatient.sync(caller, ForeignSecret::Refuse)->empty());
    EXPECT_EQ(held(), "old");
    Keeper another{hypervisor, keys, {.self = caller, .pending = seconds(0), .queue = seconds(0)}};
    keys.note(Volume, {Key});
    EXPECT_EQ(another.sync(caller, ForeignSecret::Refuse)->front().action, Action::Dropped);
}

TEST_F(KeeperTest, AKeyOfAnotherProjectIsNotKnown) {
    keys.note(Volume, {Key});
    const core::Caller stranger{UserId("s"), ProjectId("another"), {"admin"}, ""};
    EXPECT_FALSE(
        keeper.prepare(stranger, "web1", {{VolumeId(Volume), std::nullopt, "web1", "vda", ""}}, milliseconds(0)));
    EXPECT_EQ(held(), "nothing");
}

TEST(KeeperWatcher, FollowsTheHypervisorsEvents) {
    // The watcher's own thread is the only one that calls the fakes after watch(), but for start() and end(), which
    // only wake it: so what they change is prepared before.
    const core::Caller caller{UserId("root"), ProjectId("node"), {"admin"}, ""};
    libvirt::FakeHypervisor hypervisor;
    FakeVolumeKeys keys{"node"};
    keys.add_key(Key, "old");
    keys.note(Volume, {Key});
    hypervisor.define_domain("web1", domain_xml());
    hypervisor.start("web1");
    {
        Keeper keeper{hypervisor, keys, {.self = caller, .look_every = std::chrono::hours(1)}};
        keeper.watch();
        // A look of our own waits for the watcher's first one, or does its work.
        ASSERT_TRUE(keeper.sync(caller, ForeignSecret::Refuse));
    }
    EXPECT_NE(hypervisor.value_of(VolumeId(Volume)), nullptr);
}

}  // namespace
}  // namespace sallyport::guests
