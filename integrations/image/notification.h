#pragma once

#include <boost/json/fwd.hpp>

#include <optional>
#include <string_view>

#include "keymanager/base/result.h"
#include "keymanager/model/image.h"

namespace sallyport::image {

/// What Glance's description of an image says of its key: an answer of its API, where properties stand among the other
/// members, or the payload of a notification, which has them in `properties`. What is absent or no text is empty.
model::ImageKey image_key_of(const boost::json::object& image);

/// The image of an `image.delete` notification; nothing for another event. `message` is what oslo.messaging sends: the
/// envelope of its version 2 (`oslo.version`, and in `oslo.message` JSON within a string), or the message itself, as
/// its driver `messaging` does. Error: `InvalidInput`.
Result<std::optional<model::ImageKey>> deleted_image_of(std::string_view message);

}  // namespace sallyport::image
