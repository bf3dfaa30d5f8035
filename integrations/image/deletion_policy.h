#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "keymanager/model/image.h"
#include "keymanager/model/secret.h"

/// When the key of an image goes with it. Glance deletes such a key before it removes the image, asks nobody else who
/// uses the key, and forgets it if that fails; here the image goes first, and every refusal has a rule.
namespace sallyport::image {

/// The value of cinder_encryption_key_deletion_policy that lets a key go; any other keeps it.
inline constexpr std::string_view OnImageDeletion = "on_image_deletion";

/// What the image service answers when it is asked for the image.
enum class Presence {
    Unknown,  ///< it could not be asked
    There,    ///< in whatever state
    Gone      ///< 404 to somebody who sees every image
};

struct ImageFacts {
    model::ImageKey image;
    Presence presence = Presence::Unknown;
    const model::Secret* secret = nullptr;  ///< what cinder_encryption_key_id names, with consumers; nullptr: nothing
};

/// Why a key stays, in the order in which the rules are asked.
enum class Rule {
    NoKey,          ///< the image names none
    NotThePolicy,   ///< the policy is missing, or not exactly on_image_deletion
    OddImageId,     ///< the image's id is no UUID
    OddKeyId,       ///< the key's id is no UUID
    ZeroKey,        ///< the key is the one of all zeros: Nova's and Cinder's fixed_key, shared by all
    NoProject,      ///< nobody owns the image
    ImageUnknown,   ///< nobody could say whether the image is gone: to be asked again
    ImageThere,     ///< the image is still there
    KeyGone,        ///< there is no such key (any more)
    OtherProject,   ///< the key belongs to another project than the image
    OtherConsumer,  ///< somebody else is registered to use the key
};
/// "not-the-policy": for answers and logs.
std::string_view text_of(Rule rule);

struct Refusal {
    Rule rule;
    std::string reason;  ///< a sentence about this image
};

/// What the properties alone say, before anybody is asked. Nothing: they have no objection.
std::optional<Refusal> objection_of(const model::ImageKey& image);

struct Decision {
    std::optional<Refusal> refusal;  ///< nothing: the key may go
    bool deletes() const { return !refusal; }
};

/// All rules. Pure: the same facts always give the same decision.
Decision decide(const ImageFacts& facts);

}  // namespace sallyport::image
