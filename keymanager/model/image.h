#pragma once

#include <optional>
#include <string>

#include "keymanager/base/clock.h"
#include "keymanager/base/ids.h"

namespace sallyport::model {

/// What the image service says of the key of an image, word for word: any user may write these properties, so a text
/// may be anything, or empty.
struct ImageKey {
    std::string image{};   ///< the image's id
    ProjectId project{};   ///< its owner
    SecretId secret{};     ///< property cinder_encryption_key_id
    std::string policy{};  ///< property cinder_encryption_key_deletion_policy

    friend bool operator==(const ImageKey&, const ImageKey&) = default;
};

/// An image whose key goes with it, as the agent remembers it: seen, or due when it was said or found to be gone.
struct ImageKeyRecord {
    ImageKey image;                       ///< its policy is on_image_deletion, or it would not be here
    std::optional<Timestamp> next_try{};  ///< when its key is looked at; nothing: the image was seen and is there
    int attempts = 0;                     ///< that came to nothing so far
    std::string note{};                   ///< why the last one did not
};

/// Somebody's note (a consumer) that an image uses a secret.
struct ImageConsumer {
    std::string image;
    ProjectId project;  ///< that owns the secret
    SecretId secret;
};

}  // namespace sallyport::model
