#pragma once

#include <optional>
#include <string>

#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"
#include "keymanager/core/caller.h"
#include "keymanager/model/kek.h"
#include "keymanager/model/secret.h"

namespace sallyport::db {
class Session;
struct SecretWithPayload;
}  // namespace sallyport::db

namespace sallyport::core {

struct Context;

/// A payload on its way in or out, with the type under which it is stored.
struct Payload {
    SecureBytes bytes;
    std::string content_type;
};

/// A secret with its payload on the way in: everything that can fail without the database has happened.
struct NewSecret {
    model::Secret secret;
    std::optional<Payload> payload;
};

/// How secrets get into the database and payloads out of it. Internal to keymanager/core; nothing here asks the policy.
model::Secret new_secret(const Context& context, const Caller& caller, const model::SecretAttributes& attributes);
/// Error: `TooLarge`.
Result<void> within_limit(const Context& context, const std::optional<Payload>& payload);
/// The key-encryption key that wraps what a project stores, made on first use; inside the transaction that uses it.
Result<model::KekMeta> ensure_kek(const Context& context, db::Session& session, const ProjectId& project);
Result<void> write_secret(const Context& context, db::Session& session, const NewSecret& entry);
Result<void> write_payload(const Context& context, db::Session& session, const model::Secret& secret,
                           const Payload& payload);
/// Error: `NotFound` if there is none.
Result<Payload> open_payload(const Context& context, const db::SecretWithPayload& found);

}  // namespace sallyport::core
