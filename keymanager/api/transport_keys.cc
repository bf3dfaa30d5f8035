#include <boost/json.hpp>

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "keymanager/api/exchange.h"
#include "keymanager/api/json.h"
#include "keymanager/api/response.h"
#include "keymanager/api/schema.h"
#include "keymanager/api/text.h"

namespace sallyport::api {
namespace {

namespace json = boost::json;

constexpr std::string_view Retrieval = "Transport Key retrieval";
constexpr std::string_view Listing = "Transport Key(s) retrieval";
constexpr std::string_view Creation = "Transport Key Creation";
constexpr std::string_view Deletion = "Transport Key deletion";

using Type = Property::Type;
const std::array Properties{
    // As long as the column; Barbican fails with a 500 for what is longer.
    Property{"plugin_name", Type::String, 255, {}},
    Property{"transport_key", Type::String, 0, {}},
};

Checked<std::string> required_text(const json::value& body, std::string_view name) {
    const json::value* member = body.get_object().if_contains(name);
    std::string text = member == nullptr ? std::string() : std::string(member->get_string());
    if (text.empty()) return schema_rejection("Transport Key", std::string(name) + " must be provided", name);
    return text;
}

Checked<Response> list(const Exchange& exchange) {
    TRY(exchange.require_json_accepted());
    std::optional<std::string> plugin_name;
    // Barbican decodes this one a second time, and an empty one matches nothing.
    if (const std::string* given = exchange.target.parameter("plugin_name")) {
        plugin_name = percent_decoded(*given, true);
    }
    const model::Page page = page_of(exchange.target);
    const auto found = exchange.key_manager.transport_keys().list(exchange.caller, plugin_name, page);
    if (!found) return exchange.rejection(found.error(), Listing);
    std::string json = "{\"transport_keys\": [";
    for (const TransportKeyId& id : found->items) {
        if (&id != &found->items.front()) json += ", ";
        append_json_string(json, exchange.ref("transport_keys", id.str()));
    }
    finish_list(json, exchange, "transport_keys", !found->items.empty(), found->total, page);
    return json_response(200, json);
}

Checked<Response> create(const Exchange& exchange) {
    TRY(exchange.require_json_accepted());
    if (const auto allowed = exchange.key_manager.check(exchange.caller, "transport_keys:post"); !allowed) {
        return exchange.rejection(allowed.error(), Creation);
    }
    JsonBody body = TRY(exchange.json_body());
    TRY(check_schema(body.root(), "Transport Key", Properties));
    std::string plugin_name = TRY(required_text(body.root(), "plugin_name"));
    std::string pem = TRY(required_text(body.root(), "transport_key"));
    const auto id =
        exchange.key_manager.transport_keys().create(exchange.caller, std::move(plugin_name), std::move(pem));
    if (!id) return exchange.rejection(id.error(), Creation);
    const std::string ref = exchange.ref("transport_keys", id->str());
    std::string json;
    JsonObjectWriter writer(json);
    writer.text("transport_key_ref", ref);
    writer.close();
    return json_response(201, json, {{"Location", ref}});
}

/// Barbican shows the row as it is, its times with a blank.
std::string time_text(Timestamp time) {
    std::string text = to_iso8601(time);
    text[text.find('T')] = ' ';
    return text;
}

Checked<Response> show(const Exchange& exchange, const TransportKeyId& id) {
    TRY(exchange.require_json_accepted());
    const auto key = exchange.key_manager.transport_keys().find(exchange.caller, id);
    if (!key) return exchange.rejection(key.error(), Retrieval);
    std::string json;
    JsonObjectWriter writer(json);
    writer.text("id", key->id.str());
    writer.text("created_at", time_text(key->created));
    writer.text("updated_at", time_text(key->updated));
    writer.raw("deleted_at", "null");
    writer.boolean("deleted", false);
    writer.text("status", model::text_of(model::Status::Active));
    writer.text("plugin_name", key->plugin_name);
    writer.text("transport_key", key->pem);
    writer.close();
    return json_response(200, json);
}

Checked<Response> remove(const Exchange& exchange, const TransportKeyId& id) {
    const auto done = exchange.key_manager.transport_keys().remove(exchange.caller, id);
    if (!done) return exchange.rejection(done.error(), Deletion);
    return empty_response(204);
}

}  // namespace

Checked<Response> serve_transport_keys(const Exchange& exchange, Segments segments) {
    const std::string_view method = exchange.method();
    if (segments.empty()) {
        if (method == "GET") return list(exchange);
        if (method == "POST") return create(exchange);
        return method_not_allowed("GET, POST");
    }
    if (!is_object_id(segments.front())) return reject(404, "Not Found. Provided transport key id is invalid.");
    if (segments.size() > 1) return no_such_resource();
    const TransportKeyId id(segments.front());
    if (method == "GET") return show(exchange, id);
    if (method == "DELETE") return remove(exchange, id);
    return method_not_allowed("DELETE, GET");
}

}  // namespace sallyport::api
