#include <string>
#include <string_view>

#include "keymanager/api/exchange.h"
#include "keymanager/api/json.h"
#include "keymanager/api/response.h"
#include "keymanager/api/user_metadata_body.h"

namespace sallyport::api {
namespace {

using Entry = core::UserMetadata::Entry;

constexpr std::string_view Retrieval = "Secret metadata retrieval";
constexpr std::string_view Creation = "Secret metadata creation";
constexpr std::string_view EntryRetrieval = "Secret metadatum retrieval";
constexpr std::string_view EntryCreation = "Secret metadatum creation";
constexpr std::string_view EntryUpdate = "Secret metadatum update";
constexpr std::string_view EntryRemoval = "Secret metadatum removal";

std::string ref_of(const Exchange& exchange, const SecretId& id) {
    return exchange.ref("secrets", id.str()) + "/metadata";
}

std::string entry_json(const Entry& entry) {
    std::string json;
    JsonObjectWriter writer(json);
    writer.text("key", entry.name);
    writer.text("value", entry.value);
    writer.close();
    return json;
}

Checked<Response> show_all(const Exchange& exchange, const SecretId& id) {
    const auto found = exchange.key_manager.user_metadata().find(exchange.caller, id);
    if (!found) return exchange.rejection(found.error(), Retrieval);
    std::string json = "{\"metadata\": ";
    JsonObjectWriter writer(json);
    for (const auto& [key, value] : *found) writer.text(key, value);
    writer.close();
    return json_response(200, json + "}");
}

Checked<Response> replace_all(const Exchange& exchange, const SecretId& id) {
    TRY(exchange.require_json_accepted());
    const auto allowed = exchange.key_manager.check(exchange.caller, "secret_meta:put", id);
    if (!allowed) return exchange.rejection(allowed.error(), Creation);
    JsonBody body = TRY(exchange.json_body());
    const auto metadata = TRY(parse_user_metadata(body.root()));
    const auto done = exchange.key_manager.user_metadata().replace(exchange.caller, id, metadata);
    if (!done) return exchange.rejection(done.error(), Creation);
    std::string json;
    JsonObjectWriter writer(json);
    writer.text("metadata_ref", ref_of(exchange, id));
    writer.close();
    return json_response(201, json);
}

Checked<Response> add_one(const Exchange& exchange, const SecretId& id) {
    TRY(exchange.require_json_accepted());
    const auto allowed = exchange.key_manager.check(exchange.caller, "secret_meta:post", id);
    if (!allowed) return exchange.rejection(allowed.error(), EntryCreation);
    JsonBody body = TRY(exchange.json_body());
    const Entry entry = TRY(parse_user_metadatum(body.root()));
    const auto done = exchange.key_manager.user_metadata().add(exchange.caller, id, entry);
    if (!done) return exchange.rejection(done.error(), EntryCreation);
    return json_response(201, entry_json(entry), {{"Location", ref_of(exchange, id) + "/" + entry.name}});
}

Checked<Response> show_one(const Exchange& exchange, const SecretId& id, const std::string& key) {
    TRY(exchange.require_json_accepted());
    const auto entry = exchange.key_manager.user_metadata().find(exchange.caller, id, key);
    if (!entry) return exchange.rejection(entry.error(), EntryRetrieval);
    return json_response(200, entry_json(*entry));
}

Checked<Response> change_one(const Exchange& exchange, const SecretId& id, const std::string& key) {
    const auto allowed = exchange.key_manager.check(exchange.caller, "secret_meta:put", id);
    if (!allowed) return exchange.rejection(allowed.error(), EntryUpdate);
    JsonBody body = TRY(exchange.json_body());
    const Entry entry = TRY(parse_user_metadatum(body.root()));
    const auto done = exchange.key_manager.user_metadata().change(exchange.caller, id, key, entry);
    if (!done) return exchange.rejection(done.error(), EntryUpdate);
    return json_response(200, entry_json(entry));
}

Checked<Response> remove_one(const Exchange& exchange, const SecretId& id, const std::string& key) {
    TRY(exchange.require_json_accepted());
    const auto done = exchange.key_manager.user_metadata().remove(exchange.caller, id, key);
    if (!done) return exchange.rejection(done.error(), EntryRemoval);
    return empty_response(204);
}

}  // namespace

Checked<Response> serve_user_metadata(const Exchange& exchange, const SecretId& id, Segments segments) {
    const std::string_view method = exchange.method();
    if (segments.empty()) {
        if (method == "GET") return show_all(exchange, id);
        if (method == "PUT") return replace_all(exchange, id);
        if (method == "POST") return add_one(exchange, id);
        return method_not_allowed("GET, POST, PUT");
    }
    if (segments.size() > 1) return no_such_resource();
    const std::string& name = segments.front();
    if (method == "GET") return show_one(exchange, id, name);
    if (method == "PUT") return change_one(exchange, id, name);
    if (method == "DELETE") return remove_one(exchange, id, name);
    return method_not_allowed();
}

}  // namespace sallyport::api
