#include "agent/guests/key_manager_keys.h"

#include "agent/node_api/passphrase.h"
#include "keymanager/core/volumes.h"
#include "tests/unit/integrations/volume/scratch.h"
#include "tests/unit/keymanager/core/world.h"

namespace sallyport::guests {
namespace {

const libvirt::VolumeId Volume("11111111-2222-4333-8444-555555555501");

class KeyManagerKeysTest : public core::KeyManagerWorld {
protected:
    std::vector<SecretId> known(const core::Caller& caller = core::Admin) { return *keys_.known(caller, Volume, {}); }

    KeyManagerKeys keys_{*key_manager_, [this](const core::Caller& caller, const SecretId& id) {
                             return node_api::fetch_passphrase(*key_manager_, caller, id);
                         }};
};

TEST_F(KeyManagerKeysTest, RemembersTheKeyOfAVolume) {
    const SecretId key = stored();
    EXPECT_TRUE(known().empty());
    ASSERT_TRUE(keys_.remember(core::Admin, Volume, key));
    ASSERT_TRUE(keys_.remember(core::Admin, Volume, key));
    EXPECT_EQ(known(), std::vector{key});
    EXPECT_EQ(known(core::Observer), std::vector{key}) << "the watcher is one";
    EXPECT_TRUE(known(core::Stranger).empty());
    EXPECT_EQ(key_manager_->consumers().list(core::Admin, key, {})->total, 1) << "it is seen to be in use";
}

TEST_F(KeyManagerKeysTest, AnotherKeyTakesThePlaceOfTheFirst) {
    const SecretId first = stored();
    const SecretId second = stored();
    ASSERT_TRUE(keys_.remember(core::Admin, Volume, first));
    ASSERT_TRUE(keys_.remember(core::Admin, Volume, second));
    EXPECT_EQ(known(), std::vector{second});
    ASSERT_TRUE(keys_.remember(core::Admin, Volume, first));
    EXPECT_EQ(known(), std::vector{first});
}

TEST_F(KeyManagerKeysTest, WhatCinderNotedIsKnownAndStays) {
    const SecretId cinders = stored();
    const SecretId injected = stored();
    ASSERT_TRUE(key_manager_->consumers().add(core::Admin, cinders, {"cinder", "volume", Volume.str(), {}, {}, {}}));
    EXPECT_EQ(known(), std::vector{cinders});
    clock_.advance(std::chrono::seconds(1));
    ASSERT_TRUE(keys_.remember(core::Admin, Volume, injected));
    EXPECT_EQ(known(), (std::vector{injected, cinders})) << "the latest is the likeliest";
    clock_.advance(std::chrono::seconds(1));
    ASSERT_TRUE(keys_.remember(core::Admin, Volume, cinders));
    EXPECT_EQ(known(), std::vector{cinders});
    ASSERT_TRUE(keys_.forget(core::Admin, Volume));
    EXPECT_EQ(known(), std::vector{cinders});
}

TEST_F(KeyManagerKeysTest, AfterARotationTheNewKeyIsTheFirst) {
    const volume::Scratch scratch;
    const volume::DevicePath disk = scratch.zeros("disk", 32U << 20U);
    const auto formatted =
        volume::make_luks_encryptor()->format(disk, volume::passphrase_of(volume::KeyHex), volume::FormatOptions());
    ASSERT_TRUE(formatted) << formatted.error().message;
    const SecretId old = stored(), current = stored();
    ASSERT_TRUE(keys_.remember(core::Admin, Volume, old));
    model::VolumeRecord record{.uuid = model::VolumeUuid(formatted->luks->uuid), .project = {}};
    record.secret = current;
    ASSERT_TRUE(key_manager_->volumes().put(core::Admin, record));
    EXPECT_EQ(*keys_.known(core::Admin, Volume, disk.str()), (std::vector{current, old}));
    record.secret = old;
    record.next_secret = current;
    ASSERT_TRUE(key_manager_->volumes().put(core::Admin, record));
    EXPECT_EQ(*keys_.known(core::Admin, Volume, disk.str()), (std::vector{old, current})) << "half way";
    EXPECT_EQ(known(), std::vector{old}) << "no device, no record";
    EXPECT_EQ(*keys_.known(core::Observer, Volume, disk.str()), std::vector{old}) << "records are the administrators'";
}

TEST_F(KeyManagerKeysTest, FetchesWhatAKeyMakesWithTheCallersRights) {
    const SecretId key = stored();
    EXPECT_EQ(sallyport::text_of(keys_.passphrase(core::Observer, key)->text().reveal()), "6b6579");
    EXPECT_EQ(keys_.passphrase(core::Stranger, key).error().code, Code::Forbidden);
}

TEST_F(KeyManagerKeysTest, CannotTellWithoutAHeader) {
    const auto passphrase = keys_.passphrase(core::Admin, stored());
    EXPECT_EQ(keys_.opens("", *passphrase), std::nullopt);
    EXPECT_EQ(keys_.opens("/nonexistent", *passphrase), std::nullopt);
    EXPECT_EQ(keys_.opens("/dev/null", *passphrase), std::nullopt);
}

}  // namespace
}  // namespace sallyport::guests
