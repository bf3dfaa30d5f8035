#pragma once

#include <string>
#include <utility>
#include <vector>

#include "agent/images/image_care.h"
#include "tests/fakes/fake_glance.h"
#include "tests/unit/keymanager/core/world.h"

namespace sallyport::images {

inline constexpr auto Image = "6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11";
inline constexpr auto OtherImage = "0c5f6a5e-9d0e-4cf1-9a53-5d5a4a6e3c55";
inline constexpr auto ThirdImage = "1c5f6a5e-9d0e-4cf1-9a53-5d5a4a6e3c55";

/// A key manager, an image service and who looks after the keys between them.
class ImageWorld : public core::KeyManagerWorld {
protected:
    ImageCare care(bool register_consumers = false) {
        CareSettings settings;
        settings.self = {UserId("image-watcher"), {}, {"admin"}, ""};
        settings.register_consumers = register_consumers;
        return {
            key_manager_->image_keys(), key_manager_->consumers(), glance_, settings,
            [this](const core::Caller& caller, const SecretId& secret, bool deleted) -> Result<void> {
                if (audit_is_full_) return Error{Code::Unavailable, "the audit log cannot be written", {}};
                audit_.push_back((deleted ? "deleted " : "refused ") + secret.str() + " as " + caller.project.str());
                return {};
            }};
    }
    model::ImageKey image_of(const SecretId& secret, const std::string& image = Image) {
        return {image, ProjectId("a"), secret, "on_image_deletion"};
    }
    bool exists(const SecretId& secret) { return key_manager_->image_keys().find(secret)->has_value(); }
    void add_consumer(const SecretId& secret, const std::string& service, const std::string& type,
                      const std::string& id) {
        model::SecretConsumer consumer;
        consumer.service = service;
        consumer.resource_type = type;
        consumer.resource_id = id;
        ASSERT_TRUE(key_manager_->consumers().add(core::Creator, secret, consumer));
    }
    static bool always() { return true; }

    fakes::FakeGlance glance_;
    std::vector<std::string> audit_;
    bool audit_is_full_ = false;
};

}  // namespace sallyport::images
