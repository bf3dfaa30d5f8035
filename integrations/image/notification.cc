#include "integrations/image/notification.h"

#include <boost/json.hpp>

#include <string>
#include <utility>

namespace sallyport::image {
namespace {

namespace json = boost::json;

constexpr std::string_view DeleteEvent = "image.delete";
constexpr std::string_view Version = "oslo.version";
constexpr std::string_view Message = "oslo.message";

std::string text_at(const json::object& object, std::string_view member) {
    const json::value* value = object.if_contains(member);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

Result<json::object> parsed(std::string_view text) {
    json::error_code failed;
    json::value value = json::parse(text, failed);
    if (!failed && value.is_object()) return std::move(value.get_object());
    return Error{Code::InvalidInput, "the notification is no JSON object", failed.message()};
}

/// The message within its envelope, if it has one.
Result<json::object> opened(json::object envelope) {
    if (!envelope.contains(Version)) return envelope;
    const std::string version = text_at(envelope, Version);
    if (!version.starts_with("2.")) {
        return Error{Code::InvalidInput, "the notification's envelope is not of oslo.messaging's version 2", version};
    }
    const json::value* inner = envelope.if_contains(Message);
    if (inner == nullptr || !inner->is_string()) {
        return Error{Code::InvalidInput, "the notification's envelope holds no message", {}};
    }
    return parsed(inner->get_string());
}

}  // namespace

model::ImageKey image_key_of(const json::object& image) {
    const json::value* nested = image.if_contains("properties");
    const json::object& properties = nested != nullptr && nested->is_object() ? nested->get_object() : image;
    return {.image = text_at(image, "id"),
            .project = ProjectId(text_at(image, "owner")),
            .secret = SecretId(text_at(properties, "cinder_encryption_key_id")),
            .policy = text_at(properties, "cinder_encryption_key_deletion_policy")};
}

Result<std::optional<model::ImageKey>> deleted_image_of(std::string_view message) {
    json::object envelope = TRY(parsed(message));
    const json::object notification = TRY(opened(std::move(envelope)));
    const std::string event = text_at(notification, "event_type");
    if (event.empty()) return Error{Code::InvalidInput, "the notification has no event_type", {}};
    if (event != DeleteEvent) return std::optional<model::ImageKey>();
    const json::value* payload = notification.if_contains("payload");
    if (payload == nullptr || !payload->is_object()) {
        return Error{Code::InvalidInput, "the notification has no payload", {}};
    }
    model::ImageKey image = image_key_of(payload->get_object());
    if (image.image.empty()) return Error{Code::InvalidInput, "the notification names no image", {}};
    return std::optional(std::move(image));
}

}  // namespace sallyport::image
