#pragma once

#include "keymanager/base/clock.h"
#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"
#include "keymanager/core/access_policy.h"
#include "keymanager/core/caller.h"
#include "keymanager/db/database.h"
#include "keymanager/model/order.h"
#include "keymanager/model/secret.h"
#include "keymanager/store/secret_store.h"

#include <memory>
#include <optional>
#include <string>

namespace sallyport::core {

struct KeyManagerLimits {
    std::size_t secret_bytes = 20000;
};

/// A payload on its way out, with the type under which it was stored.
struct Payload {
    SecureBytes bytes;
    std::string content_type;
};

/// The use cases of the key manager. Every one asks the policy first, so no door (REST, object filter, volumes, guests)
/// reaches a key past it.
///
/// Thread-safe. Calls block: use them from a lane. Errors beside those named: `Forbidden` by the policy, `NotFound` for
/// ids that do not exist, are deleted or expired; `Unavailable`, `Overloaded`.
class KeyManager {
public:
    /// Checks the store's canary against the database (or plants it in a fresh one).
    /// Error: `WrongKey` if the master key does not belong to this database.
    static Result<std::unique_ptr<KeyManager>> open(std::unique_ptr<db::Database> database,
                                                    std::unique_ptr<store::SecretStore> store, AccessPolicy policy,
                                                    const Clock& clock, const KeyManagerLimits& limits);
    ~KeyManager();

    /// One step, with a payload (nothing is ever stored of a failed call), or the first of two, without.
    Result<SecretId> store(const Caller& caller, const model::SecretAttributes& attributes,
                           std::optional<Payload> payload);
    /// The second of two steps. Error: `Conflict` if it has a payload.
    Result<void> add_payload(const Caller& caller, const SecretId& id, Payload payload);

    Result<model::Secret> describe(const Caller& caller, const SecretId& id);
    Result<model::PageOf<model::Secret>> list(const Caller& caller, const model::SecretFilter& filter,
                                              const model::Page& page);
    /// The key itself. Error: `NotFound` also if the secret has no payload.
    Result<Payload> fetch(const Caller& caller, const SecretId& id);
    Result<void> remove(const Caller& caller, const SecretId& id);

    Result<void> set_acl(const Caller& caller, const SecretId& id, const model::SecretAcl& acl);

    /// Makes the key at once: the order is ACTIVE (or ERROR, with the reason) when this returns.
    Result<model::Order> order(const Caller& caller, model::OrderType type, const std::string& meta_json);
    Result<model::Order> describe_order(const Caller& caller, const OrderId& id);
    Result<model::PageOf<model::Order>> list_orders(const Caller& caller, const model::Page& page);
    Result<void> remove_order(const Caller& caller, const OrderId& id);

    const AccessPolicy& policy() const;

private:
    struct Impl;
    explicit KeyManager(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace sallyport::core
