#include <boost/json.hpp>

#include <array>
#include <string>
#include <string_view>

#include "keymanager/api/exchange.h"
#include "keymanager/api/json.h"
#include "keymanager/api/resource_json.h"
#include "keymanager/api/response.h"
#include "keymanager/api/schema.h"

namespace sallyport::api {
namespace {

namespace json = boost::json;

using Type = Property::Type;

/// What differs between the consumers of secrets and of containers.
struct Words {
    std::string_view collection;
    std::string_view post_action;
    std::string_view delete_action;
    std::string_view listing;
    std::string_view retrieval;
    std::string_view creation;
    std::string_view deletion;
    std::string_view schema_name;
};
constexpr Words OfSecrets{"secrets",
                          "secret_consumers:post",
                          "secret_consumers:delete",
                          "SecretConsumers(s) retrieval",
                          "SecretConsumer retrieval",
                          "SecretConsumer creation",
                          "SecretConsumer deletion",
                          "Secret Consumer"};
constexpr Words OfContainers{"containers",
                             "container_consumers:post",
                             "container_consumers:delete",
                             "ContainerConsumers(s) retrieval",
                             "ContainerConsumer retrieval",
                             "ContainerConsumer creation",
                             "ContainerConsumer deletion",
                             "Consumer"};
constexpr const Words& words_of(const SecretId&) { return OfSecrets; }
constexpr const Words& words_of(const ContainerId&) { return OfContainers; }

constexpr std::array<std::string_view, 3> RequiredOfSecrets{"service", "resource_type", "resource_id"};
const std::array PropertiesOfSecrets{
    Property{"service", Type::String, 255, {}, {}, {}, false, 1},
    Property{"resource_type", Type::String, 255, {}, {}, {}, false, 1},
    // As long as the column; Barbican fails with a 500 for what is longer.
    Property{"resource_id", Type::String, 36, {}, {}, {}, false, 1},
};
constexpr std::array<std::string_view, 2> RequiredOfContainers{"name", "URL"};
const std::array PropertiesOfContainers{
    Property{"URL", Type::String, 255, {}, {}, {}, false, 1},
    Property{"name", Type::String, 36, {}, {}, {}, false, 1},
};

std::string text_of(const json::value& body, std::string_view name) {
    return std::string(body.get_object().at(name).get_string());
}

Checked<model::SecretConsumer> parse_consumer(const json::value& body, const SecretId&) {
    TRY(check_schema(body, OfSecrets.schema_name, ObjectSchema{PropertiesOfSecrets, RequiredOfSecrets, false}));
    model::SecretConsumer consumer;
    consumer.service = text_of(body, "service");
    consumer.resource_type = text_of(body, "resource_type");
    consumer.resource_id = text_of(body, "resource_id");
    return consumer;
}

Checked<model::ContainerConsumer> parse_consumer(const json::value& body, const ContainerId&) {
    TRY(check_schema(body, OfContainers.schema_name,
                     ObjectSchema{PropertiesOfContainers, RequiredOfContainers, false}));
    model::ContainerConsumer consumer;
    consumer.name = text_of(body, "name");
    consumer.url = text_of(body, "URL");
    return consumer;
}

/// What changes answer with: the object itself. A secret is shown without its types here.
Response object_response(const Exchange& exchange, const model::Secret& secret, std::vector<Header> headers) {
    std::string json;
    append_secret(json, exchange, secret, {.consumers = true, .content_types = false});
    return json_response(200, json, std::move(headers));
}
Response object_response(const Exchange& exchange, const model::Container& container, std::vector<Header> headers) {
    std::string json;
    append_container(json, exchange, container);
    return json_response(200, json, std::move(headers));
}

template <class Consumer>
void append_consumer(std::string& out, const Consumer& consumer) {
    JsonObjectWriter writer(out);
    writer.text("created", to_iso8601(consumer.created));
    writer.text("updated", to_iso8601(consumer.updated));
    writer.text("status", model::text_of(model::Status::Active));
    write_consumer(writer, consumer);
    writer.close();
}

template <class AnyId>
Checked<Response> list(const Exchange& exchange, const AnyId& id) {
    TRY(exchange.require_json_accepted());
    const model::Page page = page_of(exchange.target);
    const auto found = exchange.key_manager.consumers().list(exchange.caller, id, page);
    if (!found) return exchange.rejection(found.error(), words_of(id).listing);
    std::string json = "{\"consumers\": [";
    for (const auto& consumer : found->items) {
        if (&consumer != &found->items.front()) json += ", ";
        append_consumer(json, consumer);
    }
    const std::string path = std::string(words_of(id).collection) + "/" + id.str() + "/consumers";
    finish_list(json, exchange, path, !found->items.empty(), found->total, page);
    return json_response(200, json);
}

template <class AnyId>
Checked<Response> show(const Exchange& exchange, const AnyId& id, const std::string& row) {
    TRY(exchange.require_json_accepted());
    const auto consumer = exchange.key_manager.consumers().describe(exchange.caller, id, row);
    if (!consumer) return exchange.rejection(consumer.error(), words_of(id).retrieval);
    std::string json;
    append_consumer(json, *consumer);
    return json_response(200, json);
}

template <class AnyId>
Checked<Response> add(const Exchange& exchange, const AnyId& id) {
    TRY(exchange.require_json_accepted());
    const Words& words = words_of(id);
    const auto allowed = exchange.key_manager.check(exchange.caller, words.post_action, id);
    if (!allowed) return exchange.rejection(allowed.error(), words.creation);
    JsonBody body = TRY(exchange.json_body());
    auto consumer = TRY(parse_consumer(body.root(), id));
    const auto object = exchange.key_manager.consumers().add(exchange.caller, id, std::move(consumer));
    if (!object) return exchange.rejection(object.error(), words.creation);
    // Nothing is there, but clients may compare it.
    return object_response(exchange, *object, {{"Location", exchange.ref("consumers", id.str()) + "/consumers"}});
}

template <class AnyId>
Checked<Response> remove(const Exchange& exchange, const AnyId& id) {
    TRY(exchange.require_json_accepted());
    const Words& words = words_of(id);
    const auto allowed = exchange.key_manager.check(exchange.caller, words.delete_action, id);
    if (!allowed) return exchange.rejection(allowed.error(), words.deletion);
    JsonBody body = TRY(exchange.json_body());
    const auto consumer = TRY(parse_consumer(body.root(), id));
    const auto object = exchange.key_manager.consumers().remove(exchange.caller, id, consumer);
    if (object) return object_response(exchange, *object, {});
    if (object.error().code == Code::Refused) return reject(403, object.error().message);
    return exchange.rejection(object.error(), words.deletion);
}

template <class AnyId>
Checked<Response> serve(const Exchange& exchange, const AnyId& id, Segments segments) {
    const std::string_view method = exchange.method();
    if (segments.empty()) {
        if (method == "GET") return list(exchange, id);
        if (method == "POST") return add(exchange, id);
        if (method == "DELETE") return remove(exchange, id);
        return method_not_allowed("DELETE, GET, POST");
    }
    if (!is_object_id(segments.front())) return reject(404, "Not Found. Provided consumer id is invalid.");
    if (segments.size() > 1) return no_such_resource();
    if (method == "GET") return show(exchange, id, segments.front());
    return method_not_allowed("GET");
}

}  // namespace

Checked<Response> serve_consumers(const Exchange& exchange, const SecretId& id, Segments segments) {
    return serve(exchange, id, segments);
}
Checked<Response> serve_consumers(const Exchange& exchange, const ContainerId& id, Segments segments) {
    return serve(exchange, id, segments);
}

}  // namespace sallyport::api
