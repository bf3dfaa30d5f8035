#include <string>
#include <string_view>

#include "keymanager/api/exchange.h"
#include "keymanager/api/json.h"
#include "keymanager/api/order_body.h"
#include "keymanager/api/response.h"
#include "keymanager/base/bytes.h"

namespace sallyport::api {
namespace {

constexpr std::string_view Retrieval = "Order retrieval";
constexpr std::string_view Deletion = "Order deletion";
constexpr std::string_view Creation = "Order creation";
constexpr std::string_view Update = "Order update";
constexpr std::string_view Listing = "Order(s) retrieval";

/// The meta with the passphrase that came with it, for those who may see that.
SecureText meta_of(const core::OrderView& view) {
    SecureText meta = secure_text(view.order.meta.empty() ? "{}" : view.order.meta);
    if (!view.passphrase) return meta;
    meta.pop_back();
    meta += meta.size() > 1 ? ", \"passphrase\": " : "\"passphrase\": ";
    append_json_string(meta, text_of(view.passphrase->reveal()));
    meta += '}';
    return meta;
}

void append_order(SecureText& out, const Exchange& exchange, const core::OrderView& view) {
    const model::Order& order = view.order;
    JsonObjectWriter writer(out);
    writer.text("created", to_iso8601(order.created));
    writer.text("updated", to_iso8601(order.updated));
    writer.text("status", model::text_of(order.status));
    writer.text("type", model::text_of(order.type));
    writer.raw("meta", meta_of(view));
    if (order.error_status_code) writer.text("error_status_code", *order.error_status_code);
    if (order.error_reason) writer.text("error_reason", *order.error_reason);
    if (order.sub_status) writer.text("sub_status", *order.sub_status);
    if (order.sub_status_message) writer.text("sub_status_message", *order.sub_status_message);
    if (order.creator) writer.text("creator_id", order.creator->str());
    if (order.secret) writer.text("secret_ref", exchange.ref("secrets", order.secret->str()));
    writer.text("order_ref", exchange.ref("orders", order.id.str()));
    if (order.container) writer.text("container_ref", exchange.ref("containers", order.container->str()));
    writer.close();
}

Checked<Response> list(const Exchange& exchange) {
    TRY(exchange.require_json_accepted());
    const model::Page page = page_of(exchange.target);
    const auto found = exchange.key_manager.orders().list(exchange.caller, exchange.target.given("meta"), page);
    if (!found) return exchange.rejection(found.error(), Listing);
    SecureText json = secure_text("{\"orders\": [");
    for (const core::OrderView& view : found->items) {
        if (&view != &found->items.front()) json += ", ";
        append_order(json, exchange, view);
    }
    finish_list(json, exchange, "orders", !found->items.empty(), found->total, page);
    return json_response(200, json);
}

Checked<Response> create(const Exchange& exchange) {
    TRY(exchange.require_json_accepted());
    if (const auto allowed = exchange.key_manager.check(exchange.caller, "orders:post"); !allowed) {
        return exchange.rejection(allowed.error(), Creation);
    }
    JsonBody body = TRY(exchange.json_body());
    core::OrderRequest request =
        TRY(parse_order_body(body.root(), {exchange.key_manager.now(), exchange.config.secret_bytes, true}));
    const auto id = exchange.key_manager.orders().create(exchange.caller, std::move(request));
    if (!id) return exchange.rejection(id.error(), Creation);
    const std::string ref = exchange.ref("orders", id->str());
    std::string json;
    JsonObjectWriter writer(json);
    writer.text("order_ref", ref);
    writer.close();
    return json_response(202, json, {{"Location", ref}});
}

Checked<Response> refuse_update(const Exchange& exchange) {
    TRY(exchange.require_json_accepted());
    if (const auto allowed = exchange.key_manager.check(exchange.caller, "orders:put"); !allowed) {
        return exchange.rejection(allowed.error(), Update);
    }
    return reject(405, "Order update is not supported.");
}

Checked<Response> show(const Exchange& exchange, const OrderId& id) {
    const auto view = exchange.key_manager.orders().describe(exchange.caller, id);
    if (!view) return exchange.rejection(view.error(), Retrieval);
    TRY(exchange.require_json_accepted());
    SecureText json = secure_text();
    append_order(json, exchange, *view);
    return json_response(200, json);
}

Checked<Response> remove(const Exchange& exchange, const OrderId& id) {
    const auto done = exchange.key_manager.orders().remove(exchange.caller, id);
    if (!done) return exchange.rejection(done.error(), Deletion);
    return empty_response(204);
}

/// Decided before anything else, as routing is in Barbican: 404 for an order that the project does not have.
Checked<void> require_existing_order(const Exchange& exchange, const OrderId& id) {
    const auto view = exchange.key_manager.orders().describe(exchange.caller, id);
    if (view || view.error().code == Code::Forbidden) return {};
    return exchange.rejection(view.error(), Retrieval);
}

}  // namespace

Checked<Response> serve_orders(const Exchange& exchange, Segments segments) {
    const std::string_view method = exchange.method();
    if (segments.empty()) {
        if (method == "GET") return list(exchange);
        if (method == "POST") return create(exchange);
        if (method == "PUT") return refuse_update(exchange);
        return method_not_allowed("GET, POST, PUT");
    }
    const OrderId id(segments.front());
    if (segments.size() > 1) {
        TRY(require_existing_order(exchange, id));
        return no_such_path(exchange);
    }
    if (method == "GET") return show(exchange, id);
    if (method == "DELETE") return remove(exchange, id);
    TRY(require_existing_order(exchange, id));
    return method_not_allowed("DELETE, GET");
}

}  // namespace sallyport::api
