#include <string>
#include <string_view>

#include "keymanager/api/container_body.h"
#include "keymanager/api/exchange.h"
#include "keymanager/api/json.h"
#include "keymanager/api/resource_json.h"
#include "keymanager/api/response.h"

namespace sallyport::api {
namespace {

constexpr std::string_view Retrieval = "Container retrieval";
constexpr std::string_view Deletion = "Container deletion";
constexpr std::string_view Creation = "Container creation";
constexpr std::string_view Listing = "Containers(s) retrieval";
constexpr std::string_view Addition = "Container Secret creation";
constexpr std::string_view Removal = "Container Secret deletion";

Checked<Response> list(const Exchange& exchange) {
    TRY(exchange.require_json_accepted());
    const model::Page page = page_of(exchange.target);
    const model::ContainerFilter filter{exchange.target.given("name"), exchange.target.given("type")};
    const auto found = exchange.key_manager.containers().list(exchange.caller, filter, page);
    if (!found) return exchange.rejection(found.error(), Listing);
    std::string json = "{\"containers\": [";
    for (const model::Container& container : found->items) {
        if (&container != &found->items.front()) json += ", ";
        append_container(json, exchange, container);
    }
    finish_list(json, exchange, "containers", !found->items.empty(), found->total, page);
    return json_response(200, json);
}

/// 201 with the ref of the container, in the header too.
Response created(const Exchange& exchange, const ContainerId& id) {
    const std::string ref = exchange.ref("containers", id.str());
    std::string json;
    JsonObjectWriter writer(json);
    writer.text("container_ref", ref);
    writer.close();
    return json_response(201, json, {{"Location", ref}});
}

Checked<Response> create(const Exchange& exchange) {
    TRY(exchange.require_json_accepted());
    if (const auto allowed = exchange.key_manager.check(exchange.caller, "containers:post"); !allowed) {
        return exchange.rejection(allowed.error(), Creation);
    }
    JsonBody body = TRY(exchange.json_body());
    const core::NewContainer wanted = TRY(parse_container_body(body.root(), exchange.request.base_url));
    const auto id = exchange.key_manager.containers().create(exchange.caller, wanted);
    if (!id) return exchange.rejection(id.error(), Creation);
    return created(exchange, *id);
}

Checked<Response> show(const Exchange& exchange, const ContainerId& id) {
    TRY(exchange.require_json_accepted());
    const auto container = exchange.key_manager.containers().describe(exchange.caller, id);
    if (!container) return exchange.rejection(container.error(), Retrieval);
    std::string json;
    append_container(json, exchange, *container);
    return json_response(200, json);
}

Checked<Response> remove(const Exchange& exchange, const ContainerId& id) {
    const auto done = exchange.key_manager.containers().remove(exchange.caller, id);
    if (!done) return exchange.rejection(done.error(), Deletion);
    return deleted_response(exchange, *done);
}

Checked<Response> add_secret(const Exchange& exchange, const ContainerId& id) {
    TRY(exchange.require_json_accepted());
    const auto container = exchange.key_manager.check(exchange.caller, "container_secret:post", id);
    if (!container) return exchange.rejection(container.error(), Addition);
    TRY(exchange.require_json_body());
    // The type is judged before the body is read.
    if (container->type != "generic") return reject(400, "Only 'generic' containers can be modified.");
    JsonBody body = TRY(exchange.json_body());
    const MemberBody wanted = TRY(parse_member_body(body.root()));
    const auto done = exchange.key_manager.containers().add_secret(exchange.caller, id, wanted.member);
    if (!done) return exchange.rejection(done.error(), Addition);
    return created(exchange, id);
}

Checked<Response> remove_secret(const Exchange& exchange, const ContainerId& id) {
    const auto allowed = exchange.key_manager.check(exchange.caller, "container_secret:delete", id);
    if (!allowed) return exchange.rejection(allowed.error(), Removal);
    // Whatever the body says that it is.
    JsonBody body = TRY(JsonBody::parse(exchange.request.body, exchange.config.request_bytes));
    const MemberBody named = TRY(parse_member_body(body.root()));
    const auto done = exchange.key_manager.containers().remove_secret(exchange.caller, id, named.member, named.ref);
    if (!done) return exchange.rejection(done.error(), Removal);
    return empty_response(204);
}

Checked<Response> serve_members(const Exchange& exchange, const ContainerId& id) {
    if (exchange.method() == "POST") return add_secret(exchange, id);
    if (exchange.method() == "DELETE") return remove_secret(exchange, id);
    return method_not_allowed("DELETE, POST");
}

}  // namespace

Checked<Response> serve_containers(const Exchange& exchange, Segments segments) {
    const std::string_view method = exchange.method();
    if (segments.empty()) {
        if (method == "GET") return list(exchange);
        if (method == "POST") return create(exchange);
        return method_not_allowed("GET, POST");
    }
    const std::string& name = segments.front();
    if (!is_object_id(name)) return reject(404, "Not Found. Provided container id is invalid.");
    const ContainerId id(name);
    TRY(require_existing(exchange, id, "container:get", Retrieval));
    if (segments.size() > 1) {
        if (segments[1] == "secrets") return serve_members(exchange, id);
        if (segments[1] == "acl") return serve_acl(exchange, id, segments.subspan(2));
        if (segments[1] == "consumers") return serve_consumers(exchange, id, segments.subspan(2));
        return no_such_path(exchange);
    }
    if (method == "GET") return show(exchange, id);
    if (method == "DELETE") return remove(exchange, id);
    return method_not_allowed("DELETE, GET");
}

}  // namespace sallyport::api
