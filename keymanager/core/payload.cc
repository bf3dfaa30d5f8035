#include "keymanager/core/payload.h"

#include <utility>

#include "keymanager/base/uuid.h"
#include "keymanager/core/context.h"
#include "keymanager/db/repository.h"

namespace sallyport::core {

// Inside the transaction that uses it: of two first stores one waits for the other and finds the key, so a project
// never gets two.
Result<model::KekMeta> ensure_kek(const Context& context, db::Session& session, const ProjectId& project) {
    auto kek = TRY(db::find_kek(session, project, context.store->info().crypto_plugin));
    if (kek) return *std::move(kek);
    model::KekMeta fresh = TRY(context.store->bind_kek(project));
    TRY(db::ensure_project(session, project, context.clock.now()));
    TRY(db::insert_kek(session, fresh, context.clock.now()));
    return fresh;
}

model::Secret new_secret(const Context& context, const Caller& caller, const model::SecretAttributes& attributes) {
    model::Secret secret;
    secret.id = SecretId(random_uuid());
    secret.attributes = attributes;
    secret.project = caller.project;
    secret.creator = caller.user;
    secret.status = model::Status::Active;
    secret.created = secret.updated = context.clock.now();
    return secret;
}

Result<void> within_limit(const Context& context, const std::optional<Payload>& payload) {
    if (!payload || payload->bytes.size() <= context.limits.secret_bytes) return {};
    return Error{Code::TooLarge, "Provided information too large to process", {}};
}

Result<void> write_secret(const Context& context, db::Session& session, const NewSecret& entry) {
    TRY(db::ensure_project(session, entry.secret.project, entry.secret.created));
    TRY(db::insert_secret(session, entry.secret));
    if (entry.payload) TRY(write_payload(context, session, entry.secret, *entry.payload));
    return {};
}

Result<void> write_payload(const Context& context, db::Session& session, const model::Secret& secret,
                           const Payload& payload) {
    const model::KekMeta kek = TRY(ensure_kek(context, session, secret.project));
    const model::WrappedSecret wrapped = TRY(context.store->wrap(kek, {secret.id, secret.project}, payload.bytes));
    return db::insert_payload(session, secret.id, kek.id, wrapped, payload.content_type,
                              context.store->info().store_plugin, context.clock.now());
}

Result<Payload> open_payload(const Context& context, const db::SecretWithPayload& found) {
    if (!found.payload) return Error{Code::NotFound, "Not Found. Sorry but your secret has no payload.", {}};
    const db::StoredPayload& stored = *found.payload;
    SecureBytes bytes = TRY(context.store->unwrap(stored.kek, {found.secret.id, found.secret.project}, stored.wrapped));
    return Payload{std::move(bytes), stored.content_type};
}

}  // namespace sallyport::core
