#include "agent/images/image_care.h"

#include <gmock/gmock.h>

#include "tests/unit/agent/images/image_world.h"

namespace sallyport::images {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using What = KeyFate::What;

class ImageCareTest : public ImageWorld {
protected:
    ImageCare care_ = care();
    core::ImageKeys& keys() { return key_manager_->image_keys(); }
};

TEST_F(ImageCareTest, TheKeyOfAnImageThatIsGoneIsDeletedAndCanComeBack) {
    const SecretId secret = stored();
    const auto fate = care_.on_delete(image_of(secret));
    ASSERT_TRUE(fate);
    EXPECT_EQ(fate->what, What::Deleted);
    EXPECT_FALSE(exists(secret));
    EXPECT_TRUE(keys().list("", 10)->empty());
    EXPECT_THAT(audit_, ElementsAre("deleted " + secret.str() + " as a"));
    EXPECT_TRUE(key_manager_->life_cycle().undelete(core::Admin, secret));
}

TEST_F(ImageCareTest, APolicyThatKeepsTheKeyAsksNobody) {
    const SecretId secret = stored();
    model::ImageKey image = image_of(secret);
    image.policy = "do_not_delete";
    const auto fate = care_.on_delete(image);
    EXPECT_EQ(fate->what, What::Kept);
    EXPECT_EQ(fate->rule, "not-the-policy");
    EXPECT_EQ(glance_.questions, 0);
    EXPECT_TRUE(exists(secret));
    EXPECT_TRUE(keys().list("", 10)->empty());
}

TEST_F(ImageCareTest, AnImageThatIsStillThereIsWatchedFurtherOn) {
    const SecretId secret = stored();
    glance_.add(image_of(secret));
    const auto fate = care_.on_delete(image_of(secret));
    EXPECT_EQ(fate->what, What::Kept);
    EXPECT_EQ(fate->rule, "image-there");
    EXPECT_TRUE(exists(secret));
    EXPECT_TRUE(keys().due(10)->empty());
    EXPECT_EQ(keys().list("", 10)->size(), 1u);
    // Its deletion was only not seen everywhere yet.
    glance_.images.clear();
    EXPECT_EQ(care_.look(always)->deleted, 1u);
    EXPECT_FALSE(exists(secret));
}

TEST_F(ImageCareTest, WhatAnImageSaysNowCountsWhileItIsThere) {
    const SecretId secret = stored();
    model::ImageKey now = image_of(secret);
    now.policy = "do_not_delete";
    glance_.add(now);
    EXPECT_EQ(care_.on_delete(image_of(secret))->rule, "image-there");
    EXPECT_TRUE(keys().list("", 10)->empty());
}

TEST_F(ImageCareTest, AKeyOfAnotherProjectOrWithOtherConsumersStays) {
    const SecretId foreign = stored(core::Stranger);
    EXPECT_EQ(care_.on_delete(image_of(foreign))->rule, "other-project");
    EXPECT_TRUE(exists(foreign));
    const SecretId of_volume = stored();
    add_consumer(of_volume, "cinder", "volume", OtherImage);
    const auto fate = care_.on_delete(image_of(of_volume));
    EXPECT_EQ(fate->rule, "other-consumer");
    EXPECT_THAT(fate->why, HasSubstr("cinder volume"));
    EXPECT_TRUE(exists(of_volume));
    EXPECT_TRUE(keys().list("", 10)->empty());
    EXPECT_THAT(audit_, ElementsAre("refused " + foreign.str() + " as a", "refused " + of_volume.str() + " as a"));
}

TEST_F(ImageCareTest, AKeyThatGlanceHasDeletedItselfIsGone) {
    const SecretId secret = stored();
    ASSERT_TRUE(key_manager_->remove(core::Creator, secret));
    EXPECT_EQ(care_.on_delete(image_of(secret))->what, What::Gone);
    EXPECT_TRUE(keys().list("", 10)->empty());
    EXPECT_THAT(audit_, IsEmpty());
}

TEST_F(ImageCareTest, WhileGlanceIsAwayTheKeyWaitsLongerEachTime) {
    const SecretId secret = stored();
    glance_.is_away = true;
    const auto fate = care_.on_delete(image_of(secret));
    ASSERT_TRUE(fate);
    EXPECT_EQ(fate->what, What::Waiting);
    EXPECT_THAT(fate->why, HasSubstr("away"));
    clock_.advance(9s);
    EXPECT_FALSE(*care_.work());
    EXPECT_EQ(glance_.questions, 1);
    clock_.advance(2s);
    EXPECT_FALSE(*care_.work());
    EXPECT_EQ(glance_.questions, 2);
    clock_.advance(11s);
    EXPECT_FALSE(*care_.work());
    EXPECT_EQ(glance_.questions, 2);
    clock_.advance(10s);
    glance_.is_away = false;
    // Whoever looks after it by then: it is remembered where the keys are.
    ImageCare successor = care();
    EXPECT_FALSE(*successor.work());
    EXPECT_FALSE(exists(secret));
    EXPECT_TRUE(keys().list("", 10)->empty());
}

TEST_F(ImageCareTest, NoKeyGoesWithoutItsLineInTheAuditLog) {
    const SecretId secret = stored();
    audit_is_full_ = true;
    EXPECT_EQ(care_.on_delete(image_of(secret))->what, What::Waiting);
    EXPECT_TRUE(exists(secret));
    audit_is_full_ = false;
    clock_.advance(1h);
    EXPECT_TRUE(care_.work());
    EXPECT_FALSE(exists(secret));
}

TEST_F(ImageCareTest, LookingFindsWhatNoNotificationTold) {
    const SecretId lost = stored();
    const SecretId there = stored();
    const SecretId stays = stored();
    glance_.add(image_of(lost, Image));
    glance_.add(image_of(there, OtherImage));
    model::ImageKey other = image_of(stays, ThirdImage);
    other.policy = "do_not_delete";
    glance_.add(other);
    auto looked = care_.look(always);
    ASSERT_TRUE(looked);
    EXPECT_EQ(looked->images, 2u);
    EXPECT_EQ(looked->missing, 0u);
    glance_.images.erase(Image);
    glance_.images.erase(ThirdImage);
    looked = care_.look(always);
    EXPECT_EQ(looked->images, 1u);
    EXPECT_EQ(looked->missing, 1u);
    EXPECT_EQ(looked->deleted, 1u);
    EXPECT_FALSE(exists(lost));
    EXPECT_TRUE(exists(there));
    EXPECT_TRUE(exists(stays));
}

TEST_F(ImageCareTest, ALookThatBreaksOffDeletesNothing) {
    const SecretId secret = stored();
    ASSERT_TRUE(keys().note_seen(image_of(secret)));
    glance_.is_away = true;
    EXPECT_FALSE(care_.look(always));
    glance_.is_away = false;
    EXPECT_FALSE(care_.look([] { return false; }));
    EXPECT_TRUE(exists(secret));
    EXPECT_TRUE(keys().due(10)->empty());
}

TEST_F(ImageCareTest, ALookDoesNotBelieveThatMostImagesAreGone) {
    const SecretId secret = stored();
    for (int i = 0; i < 11; ++i) {
        ASSERT_TRUE(keys().note_seen(image_of(secret, "6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a" + std::to_string(20 + i))));
    }
    const auto looked = care_.look(always);
    ASSERT_FALSE(looked);
    EXPECT_EQ(looked.error().code, Code::Refused);
    EXPECT_TRUE(exists(secret));
    EXPECT_TRUE(keys().due(100)->empty());
    // An administrator says that it is so.
    EXPECT_TRUE(care_.reconcile(true, always));
    EXPECT_FALSE(exists(secret));
}

TEST_F(ImageCareTest, ImagesThatAreSeenAreRegisteredIfThatIsWanted) {
    const SecretId secret = stored();
    const SecretId foreign = stored(core::Stranger);
    glance_.add(image_of(secret));
    glance_.add(image_of(foreign, OtherImage));
    ImageCare registering = care(true);
    ASSERT_TRUE(registering.look(always));
    ASSERT_TRUE(registering.look(always));
    const auto found = key_manager_->image_keys().find(secret);
    ASSERT_EQ((*found)->consumers.size(), 1u);
    EXPECT_EQ((*found)->consumers.front().resource_id, Image);
    EXPECT_THAT((*key_manager_->image_keys().find(foreign))->consumers, IsEmpty());
}

TEST_F(ImageCareTest, ReconcilingNamesOrphansAndDanglingImagesAndChangesNothing) {
    const SecretId orphan = stored();
    ASSERT_TRUE(keys().note_seen(image_of(orphan, Image)));
    const SecretId registered = stored();
    add_consumer(registered, "image", "image", OtherImage);
    glance_.add({ThirdImage, ProjectId("a"), SecretId("00000000-0000-0000-0000-000000000000"), ""});
    const std::string lost = "2c5f6a5e-9d0e-4cf1-9a53-5d5a4a6e3c55";
    glance_.add({lost, ProjectId("a"), SecretId("6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a99"), "on_image_deletion"});
    const std::string foreign = "3c5f6a5e-9d0e-4cf1-9a53-5d5a4a6e3c55";
    glance_.add({foreign, ProjectId("b"), orphan, "on_image_deletion"});
    glance_.add({"4c5f6a5e-9d0e-4cf1-9a53-5d5a4a6e3c55", ProjectId("a"), SecretId(), ""});

    const auto found = care_.reconcile(false, always);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->images, 4u);
    std::vector<std::string> lines;
    for (const Finding& one : found->findings) {
        lines.push_back((one.kind == Finding::Kind::Orphan ? "orphan " : "dangling ") + one.image.image + ": " +
                        one.what + ": " + one.action);
    }
    EXPECT_THAT(lines,
                ElementsAre(HasSubstr(std::string("dangling ") + ThirdImage + ": its key is the one of all zeros"),
                            HasSubstr("dangling " + lost + ": there is no such key"),
                            HasSubstr("dangling " + foreign + ": its key belongs to project a"),
                            std::string("orphan ") + Image + ": its image is gone: to be deleted",
                            HasSubstr(std::string("orphan ") + OtherImage + ": registered for an image")));
    EXPECT_TRUE(exists(orphan));
    EXPECT_TRUE(exists(registered));
}

TEST_F(ImageCareTest, ApplyingDeletesOrphansWhosePolicyIsKnown) {
    const SecretId orphan = stored();
    const SecretId registered = stored();
    ASSERT_TRUE(keys().note_seen(image_of(orphan, Image)));
    add_consumer(registered, "image", "image", OtherImage);
    const auto found = care_.reconcile(true, always);
    ASSERT_TRUE(found);
    ASSERT_EQ(found->findings.size(), 2u);
    EXPECT_EQ(found->findings[0].action, "deleted");
    EXPECT_EQ(found->findings[1].action, "none");
    EXPECT_FALSE(exists(orphan));
    EXPECT_TRUE(exists(registered));
    EXPECT_EQ(care_.reconcile(true, always)->findings.size(), 1u);
}

}  // namespace
}  // namespace sallyport::images
