#include "keymanager/api/secret_body.h"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <new>

#include "keymanager/api/json.h"
#include "keymanager/api/media_type.h"
#include "keymanager/api/schema.h"
#include "keymanager/api/text.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"

namespace sallyport::api {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 6> SecretTypes{"symmetric", "passphrase",  "private",
                                                      "public",    "certificate", "opaque"};
constexpr std::array<std::string_view, 1> Encodings{"base64"};
constexpr std::array<std::string_view, 2> Flags{"true", "false"};

using Type = Property::Type;
const std::array Properties{
    Property{"name", Type::StringOrNull, 255, {}},
    Property{"algorithm", Type::String, 255, {}},
    Property{"mode", Type::String, 255, {}},
    Property{"bit_length", Type::Integer, 0, {}, 1, 32767},
    Property{"expiration", Type::String, 255, {}},
    Property{"payload", Type::String, 0, {}},
    Property{"secret_type", Type::String, 80, SecretTypes},
    Property{"payload_content_type", Type::StringOrNull, 255, {}},
    Property{"payload_content_encoding", Type::String, 255, Encodings},
    Property{"transport_key_needed", Type::String, 0, Flags},
    Property{"transport_key_id", Type::String, 0, {}},
};

class Reader {
public:
    Reader(const json::object& body, const SecretBodyRules& rules)
        : body_(body), rules_(rules), schema_(rules.within_order ? "Secret' within 'Order" : "Secret") {}

    Checked<SecretBody> read() {
        SecretBody result;
        result.attributes.name = text("name");
        result.attributes.algorithm = text("algorithm");
        result.attributes.mode = text("mode");
        if (const json::value* bits = body_.if_contains("bit_length")) {
            result.attributes.bit_length = bits->to_number<int>();
        }
        result.attributes.type = model::secret_type_from(text("secret_type").value_or("opaque")).value();
        result.attributes.expiration = TRY(expiration());
        result.wants_transport_key = text("transport_key_needed") == "true";
        result.has_transport_key_id = body_.contains("transport_key_id");
        if (body_.contains("payload")) {
            result.payload_type = TRY(payload_type());
            result.payload = TRY(payload());
        } else if (const json::value* type = body_.if_contains("payload_content_type")) {
            TRY(type_without_payload(*type));
        }
        return result;
    }

private:
    std::optional<std::string> text(std::string_view name) const {
        const json::value* member = body_.if_contains(name);
        if (member == nullptr || !member->is_string()) return std::nullopt;
        return std::string(member->get_string());
    }

    Rejection wrong(std::string_view reason, std::string_view property) const {
        return schema_rejection(schema_, reason, property);
    }
    Rejection unknown_type() const {
        return wrong("payload_content_type is not one of " + std::string(PayloadTypesShown), "payload_content_type");
    }

    Checked<std::optional<Timestamp>> expiration() const {
        const auto given = text("expiration");
        if (!given || given->empty()) return std::optional<Timestamp>();
        const auto time = parse_loose_iso8601(*given);
        if (!time) return wrong("Invalid date for 'expiration'", "expiration");
        if (*time <= rules_.now) return wrong("'expiration' is before current time", "expiration");
        return std::optional(*time);
    }

    Checked<std::string> payload_type() const {
        const auto type = text("payload_content_type");
        if (!type) {
            return wrong("If 'payload' is supplied, 'payload_content_type' must also be supplied.",
                         "payload_content_type");
        }
        if (!is_payload_type(*type)) return unknown_type();
        const std::string normal = normal_payload_type(*type);
        const bool has_encoding = body_.contains("payload_content_encoding");
        if (is_text_spelling(normal) ? has_encoding : !has_encoding) {
            return wrong(std::string("payload_content_encoding is not one of ") +
                             (is_text_spelling(normal) ? "None" : "['base64', 'binary']"),
                         "payload_content_encoding");
        }
        return normal;
    }

    Checked<SecureBytes> payload() const {
        const std::string_view given = body_.at("payload").get_string();
        if (given.size() > rules_.secret_bytes) return reject(413, "Provided information too large to process");
        if (given.empty()) return wrong("If 'payload' specified, must be non empty", "payload");
        auto bytes = body_.contains("payload_content_encoding")
                         ? from_base64_secure(bytes_of(given), Base64Alphabet::Standard, Base64Strictness::Lenient)
                         : SecureBytes::copy_of(bytes_of(given));
        if (bytes) {
            // Python's decoder refuses text outside ASCII before it looks at the alphabet.
            const bool ascii = std::ranges::all_of(given, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
            if (ascii || !body_.contains("payload_content_encoding")) return *std::move(bytes);
        } else if (bytes.error().code == Code::Overloaded) {
            throw std::bad_alloc();
        }
        return wrong("Invalid payload for payload_content_encoding", "payload");
    }

    Checked<void> type_without_payload(const json::value& type) const {
        if (!rules_.within_order) {
            return wrong("payload must be provided when payload_content_type is specified", "payload");
        }
        if (type.is_string() && !type.get_string().empty() && !is_payload_type(type.get_string()))
            return unknown_type();
        return {};
    }

    const json::object& body_;
    const SecretBodyRules& rules_;
    std::string_view schema_;
};

}  // namespace

Checked<SecretBody> parse_secret_body(const json::value& body, const SecretBodyRules& rules) {
    TRY(check_schema(body, rules.within_order ? "Secret' within 'Order" : "Secret", Properties));
    return Reader(body.get_object(), rules).read();
}

}  // namespace sallyport::api
