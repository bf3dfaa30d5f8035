#include <string>
#include <string_view>

#include "keymanager/api/exchange.h"
#include "keymanager/api/json.h"
#include "keymanager/api/response.h"
#include "keymanager/base/uuid.h"

namespace sallyport::api {
namespace {

constexpr std::string_view Retrieval = "Container retrieval";

std::string container_json(const Exchange& exchange, const model::Container& container) {
    std::string secrets = "[";
    for (const model::ContainerSecret& member : container.secrets) {
        if (&member != &container.secrets.front()) secrets += ", ";
        JsonObjectWriter writer(secrets);
        writer.text("name", member.name);
        writer.text("secret_ref", exchange.ref("secrets", member.secret.str()));
        writer.close();
    }
    secrets += "]";
    std::string json;
    JsonObjectWriter writer(json);
    writer.text("created", to_iso8601(container.created));
    writer.text("updated", to_iso8601(container.updated));
    writer.text("status", model::text_of(container.status));
    writer.text_or_null("name", container.name ? &*container.name : nullptr);
    writer.text("type", container.type);
    writer.text_or_null("creator_id", container.creator ? &container.creator->str() : nullptr);
    writer.raw("secret_refs", secrets);
    writer.raw("consumers", "[]");
    writer.text("container_ref", exchange.ref("containers", container.id.str()));
    writer.close();
    return json;
}

}  // namespace

// Containers are read here because orders for key pairs make them.
Checked<Response> serve_containers(const Exchange& exchange, Segments segments) {
    if (segments.size() != 1) return no_such_resource();
    const std::string& name = segments.front();
    if (!is_uuid(name)) return reject(404, "Not Found. Provided container id is invalid.");
    const auto container = exchange.key_manager.describe_container(exchange.caller, ContainerId(name));
    if (exchange.method() != "GET") {
        const bool absent = !container && container.error().code == Code::NotFound;
        return absent ? exchange.rejection(container.error(), Retrieval) : method_not_allowed("GET");
    }
    if (!container) return exchange.rejection(container.error(), Retrieval);
    TRY(exchange.require_json_accepted());
    return json_response(200, container_json(exchange, *container));
}

}  // namespace sallyport::api
