#include "integrations/image/signature_properties.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>

#include "keymanager/base/codec.h"

namespace sallyport::image {
namespace {

namespace json = boost::json;

constexpr std::string_view WhiteSpace = " \t\r\n";

Error malformed(std::string message) { return {Code::InvalidInput, std::move(message), {}}; }

Result<std::optional<std::string>> text_at(const json::object& object, std::string_view name) {
    const json::value* const value = object.if_contains(name);
    if (value == nullptr || value->is_null()) return std::optional<std::string>();
    if (!value->is_string()) return malformed(fmt::format("the image property {} is no text", name));
    return std::optional(std::string(value->get_string()));
}

/// A property of the image, wherever it stands.
Result<std::optional<std::string>> property(const json::object& image, std::string_view name) {
    std::optional<std::string> outside = TRY(text_at(image, name));
    const json::value* const properties = image.if_contains("properties");
    if (properties == nullptr || !properties->is_object()) return outside;
    std::optional<std::string> inside = TRY(text_at(properties->get_object(), name));
    if (outside && inside && *outside != *inside) {
        return malformed(fmt::format("the image property {} stands there twice, with two values", name));
    }
    return inside ? inside : outside;
}

/// cursive's name for the first that is missing, in its order.
std::string_view missing_property(const ImageProperties& image) {
    if (!image.certificate_uuid) return "img_signature_uuid";
    if (!image.hash_method) return HashMethodProperty;
    if (!image.signature) return SignatureProperty;
    if (!image.key_type) return KeyTypeProperty;
    return {};
}

std::string without_white_space(std::string_view text) {
    std::string kept;
    std::ranges::copy_if(text, std::back_inserter(kept),
                         [](char c) { return WhiteSpace.find(c) == std::string_view::npos; });
    return kept;
}

Result<Bytes> decode_signature(const std::string& text, Rules rules) {
    switch (rules) {
        case Rules::Strict: return from_base64(without_white_space(text));
        case Rules::Cursive:
            // Python's b64decode takes no text outside ASCII, before its decoder drops anything.
            if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) > 127; })) {
                return malformed("string argument should contain only ASCII characters");
            }
            return from_base64(text, Base64Alphabet::Standard, Base64Strictness::Lenient);
    }
    return malformed({});  // not reached: the switch names every enumerator
}

}  // namespace

Result<ImageProperties> parse_image_properties(std::string_view text) {
    json::error_code failed;
    const json::value image = json::parse(text, failed);
    if (failed) return malformed("the image's properties are no JSON: " + failed.message());
    if (!image.is_object()) return malformed("the image's properties are no JSON object");
    const json::object& object = image.get_object();

    ImageProperties properties;
    properties.image_id = TRY(text_at(object, "id"))
    .value_or("");
    properties.signature = TRY(property(object, SignatureProperty));
    properties.hash_method = TRY(property(object, HashMethodProperty));
    properties.key_type = TRY(property(object, KeyTypeProperty));
    properties.certificate_uuid = TRY(property(object, CertificateProperty));
    return properties;
}

Presence presence_of(const ImageProperties& image) {
    if (missing_property(image).empty()) return Presence::All;
    const bool any = image.signature || image.hash_method || image.key_type || image.certificate_uuid;
    return any ? Presence::Some : Presence::None;
}

Result<SignatureClaim> read_claim(const ImageProperties& image, Rules rules) {
    if (const std::string_view missing = missing_property(image); !missing.empty()) {
        return refused(
            fmt::format("Required image properties for signature verification do not exist. "
                        "Cannot verify signature. Missing property: {}",
                        missing));
    }
    Result<Bytes> signature = decode_signature(*image.signature, rules);
    if (!signature) return refused("The signature data was not properly encoded using base64");
    const auto hash_method = hash_method_of(*image.hash_method);
    if (!hash_method) return refused(fmt::format("Invalid signature hash method: {}", *image.hash_method));
    const auto key_type = key_type_of(*image.key_type);
    if (!key_type) return refused(fmt::format("Invalid signature key type: {}", *image.key_type));
    return SignatureClaim{*std::move(signature), *hash_method, *key_type, *image.certificate_uuid};
}

}  // namespace sallyport::image
