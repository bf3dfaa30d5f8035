#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "integrations/image/signature_types.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/result.h"

namespace sallyport::image {

inline constexpr std::string_view SignatureProperty = "img_signature";
inline constexpr std::string_view HashMethodProperty = "img_signature_hash_method";
inline constexpr std::string_view KeyTypeProperty = "img_signature_key_type";
inline constexpr std::string_view CertificateProperty = "img_signature_certificate_uuid";
inline constexpr std::array SignatureProperties{SignatureProperty, HashMethodProperty, KeyTypeProperty,
                                                CertificateProperty};

/// An image as far as its signature goes. A property that the image lacks is empty here; one that is there and empty is
/// an empty string.
struct ImageProperties {
    std::string image_id;  ///< if the JSON says it
    std::optional<std::string> signature;
    std::optional<std::string> hash_method;
    std::optional<std::string> key_type;
    std::optional<std::string> certificate_uuid;
};

/// From the JSON of an image as Glance's API, its notifications and `openstack image show -f json` write it (extra
/// properties at the top or below "properties"), or of the four properties alone. A null is as good as absent.
/// Error: `InvalidInput` if that is no JSON object, a property is no text, or it stands there twice with two values.
Result<ImageProperties> parse_image_properties(std::string_view json);

enum class Presence {
    None,  ///< an unsigned image
    Some,  ///< to Glance an unsigned image, to Cinder and Nova a broken one
    All
};
Presence presence_of(const ImageProperties& image);

/// What the properties claim, understood as far as that goes without the certificate.
struct SignatureClaim {
    Bytes signature;
    HashMethod hash_method;
    KeyType key_type;
    std::string certificate_uuid;
};

/// Error: `Refused` in cursive's words, which come in its order: a missing property, base64, hash method, key type.
/// Rules::Cursive decodes base64 as Python does, dropping what is not in the alphabet; Rules::Strict drops white space
/// only.
Result<SignatureClaim> read_claim(const ImageProperties& image, Rules rules);

}  // namespace sallyport::image
