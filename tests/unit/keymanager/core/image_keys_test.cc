#include "keymanager/core/image_keys.h"

#include <gtest/gtest.h>

#include <string>

#include "keymanager/core/consumers.h"
#include "tests/unit/keymanager/core/world.h"

namespace sallyport::core {
namespace {

using namespace std::chrono_literals;
using model::ImageKey;

constexpr auto Image = "6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11";
constexpr auto OtherImage = "0c5f6a5e-9d0e-4cf1-9a53-5d5a4a6e3c55";

class ImageKeysTest : public KeyManagerWorld {
protected:
    explicit ImageKeysTest(const KeyManagerLimits& limits = {}) : KeyManagerWorld(limits) {}

    ImageKeys& keys() { return key_manager_->image_keys(); }
    ImageKey image_of(const SecretId& secret, const std::string& image = Image) {
        return {image, ProjectId("a"), secret, "on_image_deletion"};
    }
    static Result<void> allow(const model::Secret*) { return {}; }
    static Result<void> refuse(const model::Secret*) { return Error{Code::Refused, "no", {}}; }
    void add_consumer(const SecretId& secret, const std::string& service, const std::string& id) {
        model::SecretConsumer consumer;
        consumer.service = service;
        consumer.resource_type = "image";
        consumer.resource_id = id;
        ASSERT_TRUE(key_manager_->consumers().add(Creator, secret, consumer));
    }
};

TEST_F(ImageKeysTest, WhatIsDueIsRememberedUntilItIsSettled) {
    const SecretId secret = stored();
    ASSERT_TRUE(keys().note_seen(image_of(secret)));
    EXPECT_TRUE(keys().due(10)->empty());
    EXPECT_EQ(keys().list("", 10)->size(), 1u);
    ASSERT_TRUE(keys().make_due(image_of(secret)));
    ASSERT_EQ(keys().due(10)->size(), 1u);
    EXPECT_EQ(keys().due(10)->front().image, image_of(secret));

    ASSERT_TRUE(keys().put_off(keys().due(10)->front(), "away", 30s));
    EXPECT_TRUE(keys().due(10)->empty());
    clock_.advance(31s);
    ASSERT_EQ(keys().due(10)->size(), 1u);
    EXPECT_EQ(keys().due(10)->front().attempts, 1);
    EXPECT_EQ(keys().due(10)->front().note, "away");
    // One that is due stays so, whoever sees it; one that was asked for and found does not.
    ASSERT_TRUE(keys().note_seen(image_of(secret)));
    EXPECT_EQ(keys().due(10)->size(), 1u);
    ASSERT_TRUE(keys().note_found(image_of(secret)));
    EXPECT_TRUE(keys().due(10)->empty());
    ASSERT_TRUE(keys().forget(Image));
    EXPECT_TRUE(keys().list("", 10)->empty());
}

TEST_F(ImageKeysTest, ListsByImage) {
    const SecretId secret = stored();
    ASSERT_TRUE(keys().note_seen(image_of(secret, Image)));
    ASSERT_TRUE(keys().note_seen(image_of(secret, OtherImage)));
    EXPECT_EQ(keys().list("", 1)->front().image.image, OtherImage);
    EXPECT_EQ(keys().list(OtherImage, 10)->front().image.image, Image);
    EXPECT_TRUE(keys().list(Image, 10)->empty());
}

TEST_F(ImageKeysTest, AnImageThatNamesAnotherKeyNowIsRememberedWithThat) {
    const SecretId first = stored();
    const SecretId second = stored();
    ASSERT_TRUE(keys().note_seen(image_of(first)));
    ASSERT_TRUE(keys().note_seen(image_of(second)));
    EXPECT_EQ(keys().list("", 10)->front().image.secret, second);
}

TEST_F(ImageKeysTest, RemovesTheKeyAndForgetsTheImage) {
    const SecretId secret = stored();
    add_consumer(secret, "image", Image);
    ASSERT_TRUE(keys().make_due(image_of(secret)));
    const auto removed = keys().remove(Admin, image_of(secret), [&](const model::Secret* found) -> Result<void> {
        EXPECT_EQ(found->id, secret);
        EXPECT_EQ(found->consumers.size(), 1u);
        return {};
    });
    EXPECT_TRUE(*removed);
    EXPECT_FALSE(*keys().find(secret));
    EXPECT_TRUE(keys().list("", 10)->empty());
    // Softly, and its consumer comes back with it.
    ASSERT_TRUE(key_manager_->life_cycle().undelete(Admin, secret));
    EXPECT_EQ((*keys().find(secret))->consumers.size(), 1u);
    EXPECT_TRUE(key_manager_->fetch(Creator, secret));
}

TEST_F(ImageKeysTest, AnObjectionChangesNothing) {
    const SecretId secret = stored();
    ASSERT_TRUE(keys().make_due(image_of(secret)));
    EXPECT_EQ(code_of(keys().remove(Admin, image_of(secret), refuse)), Code::Refused);
    EXPECT_TRUE(*keys().find(secret));
    EXPECT_EQ(keys().due(10)->size(), 1u);
}

TEST_F(ImageKeysTest, ThePolicyIsAsked) {
    const SecretId secret = stored();
    EXPECT_EQ(code_of(keys().remove(Stranger, image_of(secret), allow)), Code::Forbidden);
    EXPECT_EQ(code_of(keys().remove(Observer, image_of(secret), allow)), Code::Forbidden);
    EXPECT_TRUE(*keys().find(secret));
}

TEST_F(ImageKeysTest, AKeyThatIsGoneIsNoError) {
    const SecretId secret = stored();
    ASSERT_TRUE(keys().make_due(image_of(secret)));
    ASSERT_TRUE(key_manager_->remove(Creator, secret));
    const auto removed = keys().remove(Admin, image_of(secret), [](const model::Secret* found) -> Result<void> {
        EXPECT_EQ(found, nullptr);
        return {};
    });
    ASSERT_TRUE(removed);
    EXPECT_FALSE(*removed);
    EXPECT_TRUE(keys().list("", 10)->empty());
}

TEST_F(ImageKeysTest, AnotherImageOfTheSameKeyCountsAsItsConsumer) {
    const SecretId secret = stored();
    ASSERT_TRUE(keys().note_seen(image_of(secret, Image)));
    ASSERT_TRUE(keys().note_seen(image_of(secret, OtherImage)));
    const auto removed = keys().remove(Admin, image_of(secret), [](const model::Secret* found) -> Result<void> {
        if (found->consumers.empty()) return {};
        EXPECT_EQ(found->consumers.front().resource_id, OtherImage);
        return Error{Code::Refused, "shared", {}};
    });
    EXPECT_EQ(code_of(removed), Code::Refused);
}

TEST_F(ImageKeysTest, AVolumeThatTheKeyOpensCountsAsItsConsumer) {
    const SecretId secret = stored();
    model::VolumeRecord volume{.uuid = model::VolumeUuid("4ef6a0d2-c1aa-4075-8954-516b223a651e"), .project = {}};
    volume.next_secret = secret;
    ASSERT_TRUE(key_manager_->volumes().put(Admin, volume));
    const auto removed = keys().remove(Admin, image_of(secret), [](const model::Secret* found) -> Result<void> {
        EXPECT_EQ(found->consumers.size(), 1u);
        EXPECT_EQ(found->consumers.front().resource_type, "volume");
        return Error{Code::Refused, "in use", {}};
    });
    EXPECT_EQ(code_of(removed), Code::Refused);
    EXPECT_TRUE(*keys().find(secret));
}

TEST_F(ImageKeysTest, ListsRegisteredImagesOfLiveSecretsAlone) {
    const SecretId secret = stored();
    const SecretId gone = stored();
    add_consumer(secret, "image", Image);
    add_consumer(secret, "cinder", OtherImage);
    add_consumer(gone, "image", OtherImage);
    ASSERT_TRUE(key_manager_->remove(Creator, gone));
    const auto consumers = keys().consumers(0, 10);
    ASSERT_EQ(consumers->size(), 1u);
    EXPECT_EQ(consumers->front().image, Image);
    EXPECT_EQ(consumers->front().project.str(), "a");
    EXPECT_EQ(consumers->front().secret, secret);
    EXPECT_TRUE(keys().consumers(1, 10)->empty());
}

class ImageKeysWithRefusal : public ImageKeysTest {
protected:
    ImageKeysWithRefusal() : ImageKeysTest(limits()) {}
    static KeyManagerLimits limits() {
        KeyManagerLimits limits;
        limits.life_cycle.delete_with_consumers = DeleteWithConsumers::Refuse;
        return limits;
    }
};

TEST_F(ImageKeysWithRefusal, TheImagesOwnRegistrationIsNoObstacle) {
    const SecretId secret = stored();
    add_consumer(secret, "image", Image);
    EXPECT_EQ(code_of(key_manager_->remove(Creator, secret)), Code::Conflict);
    EXPECT_TRUE(*keys().remove(Admin, image_of(secret), allow));
}

}  // namespace
}  // namespace sallyport::core
