#include "keymanager/core/volume_keys.h"

#include <gmock/gmock.h>

#include <string>

#include "tests/unit/keymanager/core/world.h"

namespace sallyport::core {
namespace {

using testing::HasSubstr;

const std::string Volume = "0c3de0f4-5d3f-4c44-8d39-3a6f6c6f0d11";
const std::string Clone = "7f9d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11";
using Ids = std::vector<SecretId>;

class VolumeKeysTest : public KeyManagerWorld {
protected:
    VolumeKeys& keys() { return key_manager_->volume_keys(); }
    SecretId made(const std::string& volume = Volume) { return *keys().create(Creator, volume, {}); }
    std::size_t bytes_of_key(const SecretId& id) { return key_manager_->fetch(Creator, id)->bytes.size(); }
};

TEST_F(VolumeKeysTest, AKeyIsOrderedAndRegisteredWithItsVolume) {
    const SecretId id = made();
    EXPECT_EQ(bytes_of_key(id), 32u);
    const auto secret = key_manager_->describe(Creator, id, Detail::WithConsumers);
    ASSERT_TRUE(secret);
    EXPECT_EQ(secret->attributes.type, model::SecretType::Symmetric);
    EXPECT_EQ(secret->attributes.algorithm, "aes");
    EXPECT_EQ(secret->attributes.bit_length, 256);
    ASSERT_EQ(secret->consumers.size(), 1u);
    EXPECT_EQ(secret->consumers[0].service, "cinder");
    EXPECT_EQ(secret->consumers[0].resource_type, "volume");
    EXPECT_EQ(secret->consumers[0].resource_id, Volume);
    EXPECT_EQ(*keys().find(Creator, Volume), Ids{id});
    EXPECT_EQ(key_manager_->orders().list(Creator, std::nullopt, {})->total, 1);
}

TEST_F(VolumeKeysTest, AVolumeHasOneKey) {
    const SecretId id = made();
    const auto second = keys().create(Creator, Volume, {});
    EXPECT_EQ(code_of(second), Code::Conflict);
    EXPECT_THAT(second.error().message, HasSubstr(id.str()));
    // Nothing is left of the second: no key, no order.
    EXPECT_EQ(key_manager_->list(Creator, {}, {})->total, 1);
    EXPECT_EQ(key_manager_->orders().list(Creator, std::nullopt, {})->total, 1);
}

TEST_F(VolumeKeysTest, WhatNobodyCanMakeIsRefused) {
    EXPECT_EQ(code_of(keys().create(Creator, Volume, {"aes-xts-plain64", 13})), Code::InvalidInput);
    EXPECT_EQ(code_of(keys().create(Creator, Volume, {"a\"b-xts", 256})), Code::InvalidInput);
    EXPECT_EQ(code_of(keys().create(Creator, Volume, {"aes-x\"ts", 256})), Code::InvalidInput);
    EXPECT_EQ(code_of(keys().create(Creator, "", {})), Code::InvalidInput);
    EXPECT_EQ(code_of(keys().create(Creator, "a volume", {})), Code::InvalidInput);
    EXPECT_EQ(code_of(keys().create(Creator, std::string(37, 'a'), {})), Code::InvalidInput);
    EXPECT_EQ(code_of(keys().create(Observer, Volume, {})), Code::Forbidden);
    EXPECT_EQ(key_manager_->list(Creator, {}, {})->total, 0);
}

TEST_F(VolumeKeysTest, ACloneGetsAKeyOfItsOwn) {
    const SecretId source = *keys().create(Creator, Volume, {"aes-xts-plain64", 512});
    const auto clone = keys().create_like(Creator, source, Clone);
    ASSERT_TRUE(clone) << clone.error().message;
    EXPECT_NE(*clone, source);
    EXPECT_EQ(bytes_of_key(*clone), 64u);
    EXPECT_EQ(*keys().find(Creator, Clone), Ids{*clone});
    // Once more, as after an interruption, gives the same.
    EXPECT_EQ(*keys().create_like(Creator, source, Clone), *clone);
    EXPECT_EQ(code_of(keys().create_like(Creator, source, Volume)), Code::InvalidInput);
    EXPECT_EQ(code_of(keys().create_like(Creator, stored(), "another")), Code::InvalidInput);
}

TEST_F(VolumeKeysTest, AKeyGoesWithItsVolumeUnlessSomebodyElseUsesIt) {
    const SecretId id = made();
    EXPECT_EQ(code_of(keys().remove(Creator, id, Clone)), Code::Conflict);
    ASSERT_TRUE(key_manager_->consumers().add(Creator, id, {"glance", "image", "1", ProjectId("a"), {}, {}}));
    const auto refused = keys().remove(Creator, id, Volume);
    EXPECT_EQ(code_of(refused), Code::Conflict);
    EXPECT_THAT(refused.error().message, HasSubstr("glance image 1"));
    EXPECT_EQ(*keys().find(Creator, Volume), Ids{id});

    ASSERT_TRUE(key_manager_->consumers().remove(Creator, id, {"glance", "image", "1", ProjectId("a"), {}, {}}));
    // A hypervisor's note of the same volume goes with it.
    ASSERT_TRUE(
        key_manager_->consumers().add(Creator, id, {"sallyport-guests", "volume", Volume, ProjectId("a"), {}, {}}));
    ASSERT_TRUE(keys().remove(Creator, id, Volume));
    EXPECT_FALSE(key_manager_->fetch(Creator, id));
    EXPECT_EQ(*keys().find(Creator, Volume), Ids{});
    EXPECT_EQ(code_of(keys().remove(Creator, stored(), Volume)), Code::NotFound);
}

}  // namespace
}  // namespace sallyport::core
