#include "keymanager/api/user_metadata_body.h"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "keymanager/api/json.h"
#include "keymanager/api/schema.h"
#include "keymanager/base/utf8.h"

namespace sallyport::api {
namespace {

namespace json = boost::json;

using Type = Property::Type;
constexpr std::size_t Longest = 255;  // the columns
const std::array MetadataProperties{Property{"metadata", Type::Object, 0, {}, {}, {}, true}};
const std::array MetadatumProperties{
    Property{"key", Type::String, Longest, {}, {}, {}, true},
    Property{"value", Type::String, Longest, {}, {}, {}, true},
};
const ObjectSchema MetadatumSchema{MetadatumProperties, {}, true};

Checked<void> check_key(std::string_view key) {
    const bool safe = std::ranges::all_of(key, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x80 && (std::isalnum(byte) != 0 || c == '_' || c == '-');
    });
    if (!safe) return reject(400, "Invalid Key. Key must be URL safe.");
    return {};
}

std::string lower(std::string_view ascii) {
    std::string text(ascii);
    std::ranges::transform(text, text.begin(), [](char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

Checked<void> check_length(const json::value& text) {
    if (code_points(text.get_string()) <= Longest) return {};
    SecureText reason = python_repr(text);
    reason += " is too long";
    return schema_rejection("SecretMetadata", reason, "metadata");
}

}  // namespace

Checked<model::UserMetadata> parse_user_metadata(const json::value& body) {
    TRY(check_schema(body, "SecretMetadata", MetadataProperties));
    model::UserMetadata metadata;
    for (const auto& member : body.get_object().at("metadata").get_object()) {
        const std::string_view key = member.key();
        TRY(check_key(key));
        if (!member.value().is_string()) return reject(400, "Invalid Metadata. Keys and Values must be Strings.");
        TRY(check_length(json::value(key, secure_storage())));
        TRY(check_length(member.value()));
        std::string value(member.value().get_string());
        // Of a key in two spellings the one that has capitals counts.
        if (lower(key) != key) {
            metadata.insert_or_assign(lower(key), std::move(value));
        } else {
            metadata.emplace(key, std::move(value));
        }
    }
    return metadata;
}

Checked<core::UserMetadata::Entry> parse_user_metadatum(const json::value& body) {
    TRY(check_schema(body, "SecretMetadatum", MetadatumSchema));
    const std::string_view key = body.get_object().at("key").get_string();
    TRY(check_key(key));
    return core::UserMetadata::Entry{lower(key), std::string(body.get_object().at("value").get_string())};
}

}  // namespace sallyport::api
