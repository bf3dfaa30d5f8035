#include "keymanager/core/image_keys.h"

#include <algorithm>
#include <span>
#include <utility>

#include "keymanager/core/context.h"
#include "keymanager/db/consumer_repository.h"
#include "keymanager/db/image_repository.h"
#include "keymanager/db/repository.h"
#include "keymanager/db/volume_repository.h"

namespace sallyport::core {
namespace {

using model::ImageKey;
using model::ImageKeyRecord;

Result<std::optional<model::Secret>> with_consumers(const Context& context, db::Session& session, const SecretId& id) {
    auto found = db::find_secret(session, id, context.clock.now());
    if (!found && found.error().code == Code::NotFound) return std::optional<model::Secret>();
    if (!found) return std::move(found).error();
    TRY(db::load_consumers(session, std::span(&*found, 1)));
    return std::optional(*std::move(found));
}

/// What is known to use a key does so, whether anybody has registered that or not: other images that name it, and
/// volumes that it opens.
Result<void> add_unregistered(db::Session& session, const ImageKey& image, model::Secret& key) {
    const auto add = [&key](const char* service, const char* type, const std::string& id) {
        model::SecretConsumer consumer;
        consumer.service = service;
        consumer.resource_type = type;
        consumer.resource_id = id;
        key.consumers.push_back(std::move(consumer));
    };
    const auto images = TRY(db::images_of_secret(session, key.id));
    for (const std::string& other : images) {
        if (other != image.image) add("image", "image", other);
    }
    const auto volumes = TRY(db::volumes_of_secret(session, key.id));
    for (const model::VolumeUuid& volume : volumes) add("sallyport", "volume", volume.str());
    return {};
}

}  // namespace

Result<void> ImageKeys::note_seen(const ImageKey& image) const {
    const auto known = TRY(
        context_.database->read([&image](db::Session& session) { return db::find_image_key(session, image.image); }));
    // Most were seen before, just like this: nothing to write.
    if (known && (known->next_try || known->image == image)) return {};
    return context_.database->write([this, &image](db::Session& session) -> Result<void> {
        const auto now_known = TRY(db::find_image_key(session, image.image));
        if (now_known && now_known->next_try) return {};
        return db::put_image_key(session, {.image = image}, context_.clock.now());
    });
}

Result<void> ImageKeys::note_found(const ImageKey& image) const {
    return context_.database->write([this, &image](db::Session& session) {
        return db::put_image_key(session, {.image = image}, context_.clock.now());
    });
}

Result<void> ImageKeys::make_due(const ImageKey& image) const {
    return context_.database->write([this, &image](db::Session& session) {
        const Timestamp now = context_.clock.now();
        return db::put_image_key(session, {.image = image, .next_try = now}, now);
    });
}

Result<void> ImageKeys::put_off(const ImageKeyRecord& record, const std::string& note,
                                std::chrono::seconds wait) const {
    return context_.database->write([this, &record, &note, wait](db::Session& session) {
        const Timestamp now = context_.clock.now();
        return db::put_image_key(
            session, {.image = record.image, .next_try = now + wait, .attempts = record.attempts + 1, .note = note},
            now);
    });
}

Result<void> ImageKeys::forget(const std::string& image) const {
    return context_.database->write([&image](db::Session& session) { return db::forget_image_key(session, image); });
}

Result<std::vector<ImageKeyRecord>> ImageKeys::due(int most) const {
    return context_.database->read(
        [this, most](db::Session& session) { return db::due_image_keys(session, context_.clock.now(), most); });
}

Result<std::vector<ImageKeyRecord>> ImageKeys::list(const std::string& after, int most) const {
    return context_.database->read(
        [&after, most](db::Session& session) { return db::list_image_keys(session, after, most); });
}

Result<std::vector<model::ImageConsumer>> ImageKeys::consumers(int offset, int most) const {
    return context_.database->read(
        [offset, most](db::Session& session) { return db::list_image_consumers(session, offset, most); });
}

Result<std::optional<model::Secret>> ImageKeys::find(const SecretId& secret) const {
    return context_.database->read(
        [this, &secret](db::Session& session) { return with_consumers(context_, session, secret); });
}

Result<bool> ImageKeys::remove(const Caller& caller, const ImageKey& image, const Judge& judge) const {
    return context_.database->write([this, &caller, &image, &judge](db::Session& session) -> Result<bool> {
        std::optional<model::Secret> key = TRY(with_consumers(context_, session, image.secret));
        if (key) TRY(add_unregistered(session, image, *key));
        TRY(judge(key ? &*key : nullptr));
        if (key) {
            TRY(context_.ask(caller, "secret:delete", target_of(*key, caller, "secret:delete")));
            TRY(db::delete_secret(session, key->id, context_.clock.now()));
        }
        TRY(db::forget_image_key(session, image.image));
        return key.has_value();
    });
}

}  // namespace sallyport::core
