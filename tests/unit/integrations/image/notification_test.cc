#include "integrations/image/notification.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "tests/vectors/vectors.h"

namespace sallyport::image {
namespace {

namespace json = boost::json;

std::string recorded() {
    std::ifstream file(vectors_path("images/notification-image-delete.json"));
    return {std::istreambuf_iterator<char>(file), {}};
}

/// The recorded notification, its message changed.
template <class Change>
std::string changed(Change change) {
    json::object envelope = json::parse(recorded()).as_object();
    json::object message = json::parse(envelope.at("oslo.message").as_string()).as_object();
    change(message);
    envelope["oslo.message"] = json::serialize(message);
    return json::serialize(envelope);
}

TEST(Notification, TheRecordedOneNamesTheImageAndItsKey) {
    const auto image = deleted_image_of(recorded());
    ASSERT_TRUE(image) << image.error().message;
    ASSERT_TRUE(*image);
    EXPECT_EQ((*image)->image, "11111111-1111-4111-8111-111111111111");
    EXPECT_EQ((*image)->project.str(), "22222222222222222222222222222222");
    EXPECT_EQ((*image)->secret.str(), "33333333-3333-4333-8333-333333333333");
    EXPECT_EQ((*image)->policy, "on_image_deletion");
}

TEST(Notification, WithoutAnEnvelopeItIsReadAsWell) {
    const std::string inner(json::parse(recorded()).at("oslo.message").as_string());
    const auto image = deleted_image_of(inner);
    ASSERT_TRUE(image && *image);
    EXPECT_EQ((*image)->image, "11111111-1111-4111-8111-111111111111");
}

TEST(Notification, OtherEventsArePassedOver) {
    for (const char* event : {"image.update", "image.create", "image.delete.start", "compute.instance.delete"}) {
        const auto image = deleted_image_of(changed([event](json::object& message) { message["event_type"] = event; }));
        ASSERT_TRUE(image) << event;
        EXPECT_FALSE(*image) << event;
    }
}

TEST(Notification, PropertiesThatAreMissingOrNoTextAreEmpty) {
    const auto image = deleted_image_of(changed([](json::object& message) {
        json::object& payload = message["payload"].as_object();
        payload["owner"] = nullptr;
        payload["properties"].as_object()["cinder_encryption_key_id"] = json::array{1};
        payload["properties"].as_object().erase("cinder_encryption_key_deletion_policy");
    }));
    ASSERT_TRUE(image && *image);
    EXPECT_TRUE((*image)->project.empty());
    EXPECT_TRUE((*image)->secret.empty());
    EXPECT_TRUE((*image)->policy.empty());
}

TEST(Notification, WhatIsNoNotificationIsRefused) {
    const std::string whole = recorded();
    const std::string inputs[] = {
        "",
        "null",
        "[]",
        "{}",
        whole.substr(0, whole.size() / 2),
        R"({"oslo.version": "3.0", "oslo.message": "{}"})",
        R"({"oslo.version": 2, "oslo.message": "{}"})",
        R"({"oslo.version": "2.0"})",
        R"({"oslo.version": "2.0", "oslo.message": {}})",
        R"({"oslo.version": "2.0", "oslo.message": "no json"})",
        changed([](json::object& message) { message.erase("payload"); }),
        changed([](json::object& message) { message["payload"] = "text"; }),
        changed([](json::object& message) { message["payload"].as_object().erase("id"); }),
        changed([](json::object& message) { message["payload"].as_object()["id"] = 5; }),
    };
    for (const std::string& input : inputs) {
        const auto image = deleted_image_of(input);
        ASSERT_FALSE(image) << input;
        EXPECT_EQ(image.error().code, Code::InvalidInput) << input;
    }
}

TEST(Notification, AnAnswerOfGlancesApiHasPropertiesAmongTheOtherMembers) {
    const json::value image = {
        {"id", "i"}, {"owner", "o"}, {"cinder_encryption_key_id", "k"}, {"cinder_encryption_key_deletion_policy", "p"}};
    EXPECT_EQ(image_key_of(image.as_object()), (model::ImageKey{"i", ProjectId("o"), SecretId("k"), "p"}));
}

}  // namespace
}  // namespace sallyport::image
