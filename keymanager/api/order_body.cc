#include "keymanager/api/order_body.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <array>
#include <new>

#include "keymanager/api/json.h"
#include "keymanager/api/schema.h"
#include "keymanager/api/text.h"
#include "keymanager/base/bytes.h"

namespace sallyport::api {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 3> OrderTypes{"key", "asymmetric", "certificate"};
const std::array Properties{
    Property{"meta", Property::Type::Object, 0, {}, {}, {}, true},
    Property{"type", Property::Type::String, 0, OrderTypes, {}, {}, true},
};

/// As Python's isoformat with microseconds, which the column holds.
std::string with_microseconds(Timestamp time) {
    std::string text = to_sql_text(time);
    text[text.find(' ')] = 'T';
    return text;
}

/// A member that Python's `if` would take for true.
const json::value* given(const json::object& meta, std::string_view name) {
    const json::value* member = meta.if_contains(name);
    if (member == nullptr || member->is_null() || (member->is_string() && member->get_string().empty())) return nullptr;
    return member;
}

Checked<void> check_key_meta(const json::object& meta, std::string_view kind) {
    const auto wrong = [](std::string_view reason) { return schema_rejection("Order", reason, "meta"); };
    if (meta.contains("payload")) return wrong(fmt::format("'payload' not allowed for {} type order", kind));
    if (given(meta, "algorithm") == nullptr) {
        return wrong(fmt::format("'algorithm' is required field for {} type order", kind));
    }
    const json::value* bits = given(meta, "bit_length");
    if (bits == nullptr) return wrong(fmt::format("'bit_length' is required field for {} type order", kind));
    const bool curve = meta.at("algorithm").is_string() && equal_but_for_case(meta.at("algorithm").get_string(), "ec");
    // P-521 is a curve of NIST's.
    if (bits->to_number<int>() % 8 != 0 && !curve) return reject(400, "Provided field value is not supported");
    return {};
}

Checked<void> take_passphrase(json::object& meta, core::OrderRequest& request) {
    const json::value* passphrase = given(meta, "passphrase");
    if (passphrase == nullptr) return {};
    if (!passphrase->is_string()) return wrong_type("Order", *passphrase, "'string'", "meta");
    auto bytes = SecureBytes::copy_of(bytes_of(std::string_view(passphrase->get_string())));
    if (!bytes) throw std::bad_alloc();
    request.passphrase = *std::move(bytes);
    meta.erase("passphrase");
    return {};
}

Checked<void> read_key_meta(json::value& meta_value, const SecretBodyRules& rules, core::OrderRequest& request) {
    const bool pair = request.type == model::OrderType::Asymmetric;
    SecretBodyRules inner = rules;
    inner.within_order = true;
    const SecretBody described = TRY(parse_secret_body(meta_value, inner));
    json::object& meta = meta_value.get_object();
    TRY(check_key_meta(meta, pair ? "asymmetric key" : "key"));
    request.attributes = described.attributes;
    if (const json::value* type = given(meta, "payload_content_type")) {
        request.content_type = std::string(type->get_string());
    }
    if (pair) TRY(take_passphrase(meta, request));
    if (!described.attributes.name) meta["name"] = nullptr;
    meta["expiration"] = nullptr;
    if (described.attributes.expiration) meta["expiration"] = with_microseconds(*described.attributes.expiration);
    return {};
}

Rejection missing(std::string_view field) {
    return reject(400, "Missing required metadata field for " + std::string(field));
}

/// RFC 4514 as far as a refusal needs it: attribute=value pairs, separated by commas.
bool is_distinguished_name(const json::value& value) {
    if (!value.is_string()) return false;
    std::string_view rest = value.get_string();
    while (!rest.empty()) {
        const std::size_t comma = rest.find(',');
        const std::size_t equals = rest.substr(0, comma).find('=');
        if (equals == rest.npos || equals == 0) return false;
        if (comma == rest.npos) return true;
        rest.remove_prefix(comma + 1);
    }
    return true;
}

Checked<void> read_certificate_meta(const json::object& meta, core::OrderRequest& request) {
    if (const json::value* payload = meta.if_contains("payload"); payload != nullptr && !payload->is_null()) {
        return schema_rejection("Order", "'payload' not allowed for certificate type order", "meta");
    }
    if (meta.contains("profile") && !meta.contains("ca_id")) return missing("ca_id");
    const json::value* type = meta.if_contains("request_type");
    const std::string kind = type == nullptr ? "custom" : type->is_string() ? std::string(type->get_string()) : "";
    const auto has = [&meta](std::string_view name) {
        const json::value* member = meta.if_contains(name);
        return member != nullptr && !member->is_null();
    };
    request.names_authority = meta.contains("ca_id") || kind == "stored-key";
    if (kind == "custom") return {};
    if (kind == "full-cmc") return reject(400, "Full CMC Requests are not yet supported.");
    if (kind == "simple-cmc") {
        if (!has("request_data")) return missing("request_data");
        return reject(400, "Invalid PKCS10 Data: Bad format");
    }
    if (kind != "stored-key") return reject(400, "Invalid Certificate Request Type");
    if (!has("container_ref")) return missing("container_ref");
    if (!has("subject_dn")) return missing("subject_dn");
    const json::value& name = meta.at("subject_dn");
    if (!is_distinguished_name(name)) {
        return reject(400,
                      "Invalid subject DN: " + (name.is_string() ? std::string(name.get_string()) : std::string()));
    }
    if (given(meta, "extensions") != nullptr) {
        return reject(400, "Extensions are not yet supported.  Specify a valid profile instead.");
    }
    return {};
}

}  // namespace

Checked<core::OrderRequest> parse_order_body(json::value& body, const SecretBodyRules& rules) {
    TRY(check_schema(body, "Order", Properties));
    json::object& object = body.get_object();
    json::value& meta = object["meta"];
    core::OrderRequest request;
    request.type = model::order_type_from(std::string_view(object["type"].get_string())).value();
    switch (request.type) {
        case model::OrderType::Key:
        case model::OrderType::Asymmetric: TRY(read_key_meta(meta, rules, request)); break;
        case model::OrderType::Certificate: TRY(read_certificate_meta(meta.get_object(), request)); break;
    }
    append_json(request.meta, meta);
    return request;
}

}  // namespace sallyport::api
