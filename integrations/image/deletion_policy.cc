#include "integrations/image/deletion_policy.h"

#include <fmt/format.h>

#include <algorithm>

#include "keymanager/base/uuid.h"

namespace sallyport::image {
namespace {

constexpr std::string_view ZeroId = "00000000-0000-0000-0000-000000000000";
/// What a message repeats of a text that any user may have written.
constexpr std::size_t MostShown = 80;

Refusal refusal(Rule rule, std::string reason) { return {rule, std::move(reason)}; }

std::string shown(std::string_view text) {
    std::string safe(text.substr(0, MostShown));
    std::ranges::replace_if(
        safe, [](char c) { return c < ' ' || c > '~'; }, '?');
    return safe + (text.size() > MostShown ? "..." : "");
}

bool is_image_itself(const model::SecretConsumer& consumer, const model::ImageKey& image) {
    return consumer.service == "image" && consumer.resource_type == "image" && consumer.resource_id == image.image;
}

std::optional<Refusal> objection_of(const model::Secret& secret, const model::ImageKey& image) {
    if (secret.project != image.project) {
        return refusal(Rule::OtherProject,
                       fmt::format("key {} belongs to project {}, image {} to project {}", secret.id.str(),
                                   secret.project.str(), image.image, shown(image.project.str())));
    }
    const auto other = std::ranges::find_if_not(
        secret.consumers, [&image](const auto& consumer) { return is_image_itself(consumer, image); });
    if (other == secret.consumers.end()) return std::nullopt;
    return refusal(Rule::OtherConsumer,
                   fmt::format("key {} is also used by {} {} {}", secret.id.str(), shown(other->service),
                               shown(other->resource_type), shown(other->resource_id)));
}

}  // namespace

std::string_view text_of(Rule rule) {
    switch (rule) {
        case Rule::NoKey: return "no-key";
        case Rule::NotThePolicy: return "not-the-policy";
        case Rule::OddImageId: return "odd-image-id";
        case Rule::OddKeyId: return "odd-key-id";
        case Rule::ZeroKey: return "zero-key";
        case Rule::NoProject: return "no-project";
        case Rule::ImageUnknown: return "image-unknown";
        case Rule::ImageThere: return "image-there";
        case Rule::KeyGone: return "key-gone";
        case Rule::OtherProject: return "other-project";
        case Rule::OtherConsumer: return "other-consumer";
    }
    return {};
}

std::optional<Refusal> objection_of(const model::ImageKey& image) {
    const std::string& secret = image.secret.str();
    if (secret.empty()) return refusal(Rule::NoKey, "the image has no cinder_encryption_key_id");
    if (image.policy.empty()) {
        return refusal(Rule::NotThePolicy, "the image has no cinder_encryption_key_deletion_policy, so its key stays");
    }
    if (image.policy != OnImageDeletion) {
        return refusal(Rule::NotThePolicy, fmt::format("cinder_encryption_key_deletion_policy is '{}', not '{}'",
                                                       shown(image.policy), OnImageDeletion));
    }
    if (!is_uuid(image.image)) {
        return refusal(Rule::OddImageId, fmt::format("the image's id '{}' is no UUID", shown(image.image)));
    }
    if (!is_uuid(secret)) {
        return refusal(Rule::OddKeyId, fmt::format("cinder_encryption_key_id '{}' is no UUID", shown(secret)));
    }
    if (secret == ZeroId) {
        return refusal(Rule::ZeroKey, "cinder_encryption_key_id is all zeros: that is fixed_key, which all share");
    }
    if (image.project.empty()) return refusal(Rule::NoProject, fmt::format("image {} has no owner", image.image));
    return std::nullopt;
}

Decision decide(const ImageFacts& facts) {
    if (auto objection = objection_of(facts.image)) return {std::move(objection)};
    switch (facts.presence) {
        case Presence::Unknown:
            return {refusal(Rule::ImageUnknown,
                            fmt::format("nobody could say whether image {} is gone", facts.image.image))};
        case Presence::There:
            return {refusal(Rule::ImageThere, fmt::format("image {} is still there", facts.image.image))};
        case Presence::Gone: break;
    }
    if (facts.secret == nullptr) {
        return {refusal(Rule::KeyGone, fmt::format("there is no key {} (any more)", facts.image.secret.str()))};
    }
    return {objection_of(*facts.secret, facts.image)};
}

}  // namespace sallyport::image
