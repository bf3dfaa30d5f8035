#include "keymanager/api/resource_json.h"

#include <optional>
#include <vector>

#include "keymanager/api/json.h"
#include "keymanager/api/media_type.h"

namespace sallyport::api {
namespace {

const std::string* address_of(const std::optional<std::string>& text) { return text ? &*text : nullptr; }

template <class Consumer>
std::string consumers_json(const std::vector<Consumer>& consumers) {
    std::string json = "[";
    for (const Consumer& consumer : consumers) {
        if (&consumer != &consumers.front()) json += ", ";
        JsonObjectWriter writer(json);
        write_consumer(writer, consumer);
        writer.close();
    }
    return json + "]";
}

}  // namespace

void write_consumer(JsonObjectWriter<std::string>& writer, const model::SecretConsumer& consumer) {
    writer.text("service", consumer.service);
    writer.text("resource_type", consumer.resource_type);
    writer.text("resource_id", consumer.resource_id);
}

void write_consumer(JsonObjectWriter<std::string>& writer, const model::ContainerConsumer& consumer) {
    writer.text("name", consumer.name);
    writer.text("URL", consumer.url);
}

void append_secret(std::string& out, const Exchange& exchange, const model::Secret& secret, SecretShape shape) {
    const model::SecretAttributes& attributes = secret.attributes;
    JsonObjectWriter writer(out);
    writer.text("created", to_iso8601(secret.created));
    writer.text("updated", to_iso8601(secret.updated));
    writer.text("status", model::text_of(secret.status));
    writer.text_or_null("name", address_of(attributes.name));
    writer.text("secret_type", model::text_of(attributes.type));
    if (attributes.expiration) {
        writer.text("expiration", to_iso8601(*attributes.expiration));
    } else {
        writer.raw("expiration", "null");
    }
    writer.text_or_null("algorithm", address_of(attributes.algorithm));
    writer.raw("bit_length", attributes.bit_length ? std::to_string(*attributes.bit_length) : "null");
    writer.text_or_null("mode", address_of(attributes.mode));
    writer.text_or_null("creator_id", secret.creator ? &secret.creator->str() : nullptr);
    if (shape.consumers) writer.raw("consumers", consumers_json(secret.consumers));
    if (shape.content_types && secret.content_type && is_shown_content_type(*secret.content_type)) {
        std::string types;
        JsonObjectWriter inner(types);
        inner.text("default", *secret.content_type);
        inner.close();
        writer.raw("content_types", types);
    }
    writer.text("secret_ref", exchange.ref("secrets", secret.id.str()));
    writer.close();
}

void append_container(std::string& out, const Exchange& exchange, const model::Container& container) {
    std::string secrets = "[";
    for (const model::ContainerSecret& member : container.secrets) {
        if (&member != &container.secrets.front()) secrets += ", ";
        JsonObjectWriter writer(secrets);
        writer.text_or_null("name", address_of(member.name));
        writer.text("secret_ref", exchange.ref("secrets", member.secret.str()));
        writer.close();
    }
    secrets += "]";
    JsonObjectWriter writer(out);
    writer.text("created", to_iso8601(container.created));
    writer.text("updated", to_iso8601(container.updated));
    writer.text("status", model::text_of(container.status));
    writer.text_or_null("name", address_of(container.name));
    writer.text("type", container.type);
    writer.text_or_null("creator_id", container.creator ? &container.creator->str() : nullptr);
    writer.raw("secret_refs", secrets);
    writer.raw("consumers", consumers_json(container.consumers));
    writer.text("container_ref", exchange.ref("containers", container.id.str()));
    writer.close();
}

}  // namespace sallyport::api
