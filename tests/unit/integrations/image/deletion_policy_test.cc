#include "integrations/image/deletion_policy.h"

#include <gmock/gmock.h>

#include <string>

namespace sallyport::image {
namespace {

using testing::HasSubstr;

constexpr auto Image = "6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11";
constexpr auto OtherImage = "0c5f6a5e-9d0e-4cf1-9a53-5d5a4a6e3c55";
constexpr auto Key = "33333333-3333-4333-8333-333333333333";

model::SecretConsumer consumer(const std::string& service, const std::string& type, const std::string& id) {
    model::SecretConsumer consumer;
    consumer.service = service;
    consumer.resource_type = type;
    consumer.resource_id = id;
    return consumer;
}

class DeletionPolicy : public testing::Test {
protected:
    DeletionPolicy() {
        secret.id = SecretId(Key);
        secret.project = ProjectId("a");
    }
    std::optional<Rule> rule() {
        const Decision decision = decide({.image = image, .presence = presence, .secret = known ? &secret : nullptr});
        if (decision.deletes()) return std::nullopt;
        reason = decision.refusal->reason;
        EXPECT_FALSE(reason.empty());
        EXPECT_FALSE(text_of(decision.refusal->rule).empty());
        return decision.refusal->rule;
    }

    model::ImageKey image{Image, ProjectId("a"), SecretId(Key), "on_image_deletion"};
    model::Secret secret;
    Presence presence = Presence::Gone;
    bool known = true;
    std::string reason;
};

TEST_F(DeletionPolicy, TheKeyOfAGoneImageGoesWithIt) { EXPECT_EQ(rule(), std::nullopt); }

TEST_F(DeletionPolicy, OnlyTheExactWordLetsAKeyGo) {
    for (const std::string policy :
         {"", "do_not_delete", "On_image_deletion", "on_image_deletion ", " on_image_deletion", "on_image_deletion\n",
          "on-image-deletion", "true", "on_image_deletion_"}) {
        image.policy = policy;
        EXPECT_EQ(rule(), Rule::NotThePolicy) << policy;
    }
}

TEST_F(DeletionPolicy, AnImageWithoutAKeyHasNothingToDelete) {
    image.secret = SecretId();
    EXPECT_EQ(rule(), Rule::NoKey);
}

TEST_F(DeletionPolicy, TheKeyOfAllZerosStays) {
    image.secret = SecretId("00000000-0000-0000-0000-000000000000");
    secret.id = image.secret;
    EXPECT_EQ(rule(), Rule::ZeroKey);
    EXPECT_THAT(reason, HasSubstr("fixed_key"));
}

TEST_F(DeletionPolicy, IdsThatAreNoUuidsAreRefused) {
    for (const std::string id :
         {"x", "../secrets", "33333333-3333-4333-8333-33333333333", "33333333333343338333333333333333"}) {
        image.secret = SecretId(id);
        EXPECT_EQ(rule(), Rule::OddKeyId) << id;
    }
    image.secret = SecretId(Key);
    image.image = "../../v3/users";
    EXPECT_EQ(rule(), Rule::OddImageId);
}

TEST_F(DeletionPolicy, AnImageThatIsThereKeepsItsKey) {
    presence = Presence::There;
    EXPECT_EQ(rule(), Rule::ImageThere);
    presence = Presence::Unknown;
    EXPECT_EQ(rule(), Rule::ImageUnknown);
}

TEST_F(DeletionPolicy, AnotherProjectsKeyStays) {
    secret.project = ProjectId("b");
    EXPECT_EQ(rule(), Rule::OtherProject);
    secret.project = ProjectId("A");
    EXPECT_EQ(rule(), Rule::OtherProject);
    image.project = ProjectId();
    EXPECT_EQ(rule(), Rule::NoProject);
    secret.project = ProjectId();
    EXPECT_EQ(rule(), Rule::NoProject);
}

TEST_F(DeletionPolicy, AKeyThatOthersUseStays) {
    secret.consumers = {consumer("image", "image", Image)};
    EXPECT_EQ(rule(), std::nullopt);
    for (const auto& other :
         {consumer("cinder", "volume", OtherImage), consumer("image", "image", OtherImage),
          consumer("cinder", "image", Image), consumer("image", "volume", Image), consumer("Image", "image", Image)}) {
        secret.consumers = {consumer("image", "image", Image), other};
        EXPECT_EQ(rule(), Rule::OtherConsumer) << other.service << other.resource_type;
        EXPECT_THAT(reason, HasSubstr(other.service + " " + other.resource_type));
    }
}

TEST_F(DeletionPolicy, AKeyThatIsNotThereNeedsNoDeletion) {
    known = false;
    EXPECT_EQ(rule(), Rule::KeyGone);
}

TEST_F(DeletionPolicy, WhatAUserWroteIsCutAndCleanedBeforeItIsShown) {
    image.policy = std::string(1000, 'x') + "\x1b[2J";
    EXPECT_EQ(rule(), Rule::NotThePolicy);
    EXPECT_LT(reason.size(), 200u);
    image.policy = "\x1b[2J\nforged line";
    EXPECT_EQ(rule(), Rule::NotThePolicy);
    EXPECT_EQ(reason.find('\x1b'), std::string::npos);
    EXPECT_EQ(reason.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace sallyport::image
