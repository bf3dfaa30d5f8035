#include "keymanager/core/volume_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "keymanager/core/context.h"
#include "keymanager/core/key_order.h"
#include "keymanager/core/orders.h"
#include "keymanager/db/consumer_repository.h"
#include "keymanager/db/repository.h"

namespace sallyport::core {
namespace {

constexpr std::string_view Service = "cinder";
constexpr std::string_view ResourceType = "volume";
constexpr std::size_t LongestId = 36;  // of the column

Result<model::SecretConsumer> consumer_of(const Caller& caller, const std::string& volume) {
    const auto is_odd = [](char c) { return c <= ' ' || c > '~'; };
    if (volume.empty() || volume.size() > LongestId || std::ranges::any_of(volume, is_odd)) {
        return Error{Code::InvalidInput,
                     fmt::format("'{}' is no volume's id: up to {} characters, usually a UUID", volume, LongestId),
                     {}};
    }
    model::SecretConsumer consumer;
    consumer.service = Service;
    consumer.resource_type = ResourceType;
    consumer.resource_id = volume;
    consumer.owner = caller.project;
    return consumer;
}

bool is_same(const model::SecretConsumer& a, const model::SecretConsumer& b) {
    return a.service == b.service && a.resource_type == b.resource_type && a.resource_id == b.resource_id;
}

/// As Castellan asks for Cinder's keys, but with the mode: without it the key manager makes none of 512 bits, which XTS
/// cuts in two.
OrderRequest order_of(const std::string& algorithm, const std::optional<std::string>& mode, int bits,
                      model::SecretConsumer consumer) {
    OrderRequest request;
    request.attributes.algorithm = algorithm;
    request.attributes.bit_length = bits;
    request.attributes.mode = mode;
    request.meta = fmt::format(
        R"({{"algorithm": "{}", "bit_length": {}, "mode": {}, "payload_content_type": "application/octet-stream", )"
        R"("name": null, "expiration": null}})",
        algorithm, bits, mode ? '"' + *mode + '"' : "null");
    request.consumer = std::move(consumer);
    return request;
}

/// "aes", "des3", "hmacsha256": a word, as a cipher's name begins with.
bool is_word(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    });
}

Result<SecretId> made_by(const Context& context, const Caller& caller, OrderRequest request) {
    const Orders orders(context);
    const OrderId id = TRY(orders.create(caller, std::move(request)));
    const OrderView view = TRY(orders.describe(caller, id));
    if (view.order.secret) return *view.order.secret;
    return Error{
        Code::InvalidInput, fmt::format("no such key can be made: {}", view.order.error_reason.value_or("")), {}};
}

}  // namespace

Result<SecretId> VolumeKeys::create(const Caller& caller, const std::string& volume, const VolumeCipher& cipher) const {
    model::SecretConsumer consumer = TRY(consumer_of(caller, volume));
    // "aes-xts-plain64", as dm-crypt has it; "aes" alone leaves the mode open.
    const std::size_t end = cipher.cipher.find('-');
    const std::string algorithm = cipher.cipher.substr(0, end);
    std::optional<std::string> mode;
    if (end != std::string::npos) mode = cipher.cipher.substr(end + 1, cipher.cipher.find('-', end + 1) - end - 1);
    if (!is_word(algorithm) || !is_word(mode.value_or("cbc"))) {
        return Error{Code::InvalidInput, fmt::format("'{}' is no cipher like aes-xts-plain64", cipher.cipher), {}};
    }
    return made_by(context_, caller, order_of(algorithm, mode, cipher.key_bits, std::move(consumer)));
}

Result<SecretId> VolumeKeys::create_like(const Caller& caller, const SecretId& source,
                                         const std::string& volume) const {
    model::SecretConsumer consumer = TRY(consumer_of(caller, volume));
    const model::Secret like = TRY(context_.database->read([&](db::Session& session) -> Result<model::Secret> {
        model::Secret secret = TRY(context_.permitted(session, caller, "secret:decrypt", source));
        TRY(db::load_consumers(session, std::span(&secret, 1)));
        return secret;
    }));
    if (std::ranges::any_of(like.consumers, [&](const auto& other) { return is_same(other, consumer); })) {
        return Error{Code::InvalidInput,
                     fmt::format("{} is the key of volume {} itself: name the clone", source.str(), volume),
                     {}};
    }
    if (const auto known = TRY(find(caller, volume)); !known.empty()) return known.front();
    const auto& kind = like.attributes;
    if (!is_word(kind.algorithm.value_or("")) || !is_word(kind.mode.value_or("cbc")) || !kind.bit_length) {
        return Error{
            Code::InvalidInput,
            fmt::format("secret {} does not say its algorithm and length: it is no volume's key", source.str()),
            {}};
    }
    return made_by(context_, caller, order_of(*kind.algorithm, kind.mode, *kind.bit_length, std::move(consumer)));
}

Result<void> VolumeKeys::remove(const Caller& caller, const SecretId& key, const std::string& volume) const {
    const model::SecretConsumer consumer = TRY(consumer_of(caller, volume));
    return context_.database->write([&](db::Session& session) -> Result<void> {
        model::Secret secret = TRY(context_.permitted(session, caller, "secret:delete", key));
        TRY(db::load_consumers(session, std::span(&secret, 1)));
        // Whoever has noted the same volume (a hypervisor's agent does) has to do with it no longer.
        const auto is_volume = [&consumer](const model::SecretConsumer& other) {
            return other.resource_type == consumer.resource_type && other.resource_id == consumer.resource_id;
        };
        for (const model::SecretConsumer& other : secret.consumers) {
            if (is_volume(other)) continue;
            return Error{Code::Conflict,
                         fmt::format("the key is used by {} {} {} as well: it stays", other.service,
                                     other.resource_type, other.resource_id),
                         key.str()};
        }
        if (secret.consumers.empty()) {
            return Error{Code::NotFound, fmt::format("{} is no key of volume {}", key.str(), volume), {}};
        }
        for (const model::SecretConsumer& other : secret.consumers) {
            TRY(db::delete_consumer(session, key, other, context_.clock.now()));
        }
        return db::delete_secret(session, key, context_.clock.now());
    });
}

Result<std::vector<SecretId>> VolumeKeys::find(const Caller& caller, const std::string& volume) const {
    const model::SecretConsumer consumer = TRY(consumer_of(caller, volume));
    TRY(context_.ask(caller, "secrets:get"));
    return context_.database->read([&](db::Session& session) {
        return db::secrets_of_consumer(session, caller.project, consumer, context_.clock.now());
    });
}

}  // namespace sallyport::core
