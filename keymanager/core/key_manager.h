#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "keymanager/base/clock.h"
#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"
#include "keymanager/core/access_policy.h"
#include "keymanager/core/caller.h"
#include "keymanager/db/database.h"
#include "keymanager/model/container.h"
#include "keymanager/model/order.h"
#include "keymanager/model/secret.h"
#include "keymanager/store/secret_store.h"

namespace sallyport::core {

struct KeyManagerLimits {
    std::size_t secret_bytes = 20000;
};

/// A payload on its way out, with the type under which it was stored.
struct Payload {
    SecureBytes bytes;
    std::string content_type;
};

/// What an order asks for; its door has checked the form.
struct OrderRequest {
    model::OrderType type = model::OrderType::Key;
    std::string meta;  ///< the JSON object that is stored and shown, without a passphrase
    model::SecretAttributes attributes;
    std::string content_type = "application/octet-stream";
    std::optional<SecureBytes> passphrase;  ///< of the private key to be made
    bool names_authority = false;           ///< of certificates: it names a CA or a stored key, and there is none
};

/// An order as its owner sees it. The passphrase is there for those who may decrypt it.
struct OrderView {
    model::Order order;
    std::optional<SecureBytes> passphrase;
};

/// The use cases of the key manager. Every one asks the policy first, so no door (REST, object filter, volumes, guests)
/// reaches a key past it.
///
/// Thread-safe. Calls block: use them from a lane. Errors beside those named: `Forbidden` by the policy, `NotFound` for
/// ids that do not exist, are deleted or expired (decided before the policy is asked); `Unavailable`, `Overloaded`.
class KeyManager {
public:
    /// Makes the schema of an empty database, checks the store's canary against it. Without one (the database is fresh,
    /// or somebody else's) plants it, once the master key has opened the project keys that are there.
    /// Error: `WrongKey` if the master key does not belong to this database, in which nothing has been written then.
    static Result<std::unique_ptr<KeyManager>> open(std::unique_ptr<db::Database> database,
                                                    std::unique_ptr<store::SecretStore> store, AccessPolicy policy,
                                                    const Clock& clock, const KeyManagerLimits& limits);
    ~KeyManager();

    /// The question alone, for doors that must refuse before they look at the rest of a request. The use cases ask
    /// again.
    Result<void> check(const Caller& caller, std::string_view action) const;
    /// The secret, if the caller may do `action` ("secret:put") to it.
    Result<model::Secret> check(const Caller& caller, std::string_view action, const SecretId& id);

    /// One step, with a payload (nothing is ever stored of a failed call), or the first of two, without.
    /// Error: `TooLarge`.
    Result<SecretId> store(const Caller& caller, const model::SecretAttributes& attributes,
                           std::optional<Payload> payload);
    /// The second of two steps. Error: `Conflict` if it has a payload; `TooLarge`.
    Result<void> add_payload(const Caller& caller, const SecretId& id, Payload payload);

    Result<model::Secret> describe(const Caller& caller, const SecretId& id);
    Result<model::PageOf<model::Secret>> list(const Caller& caller, const model::SecretFilter& filter,
                                              const model::Page& page);
    /// The key itself. Error: `NotFound` also if the secret has no payload.
    Result<Payload> fetch(const Caller& caller, const SecretId& id);
    Result<void> remove(const Caller& caller, const SecretId& id);

    Result<std::optional<model::SecretAcl>> acl(const Caller& caller, const SecretId& id);
    /// Replaces the list; without one removes it.
    Result<void> set_acl(const Caller& caller, const SecretId& id, const std::optional<model::SecretAcl>& acl);
    /// Changes what `change` names of the list; makes one if there is none.
    Result<void> change_acl(const Caller& caller, const SecretId& id, const model::SecretAclChange& change);
    Result<void> remove_acl(const Caller& caller, const SecretId& id);

    /// Makes the key or key pair at once: the order is ACTIVE (or ERROR, with the reason) when this returns.
    /// Certificate orders stay PENDING: there is no authority to ask.
    Result<OrderId> order(const Caller& caller, OrderRequest request);
    Result<OrderView> describe_order(const Caller& caller, const OrderId& id);
    Result<model::PageOf<OrderView>> list_orders(const Caller& caller, const std::optional<std::string>& meta,
                                                 const model::Page& page);
    Result<void> remove_order(const Caller& caller, const OrderId& id);

    Result<model::Container> describe_container(const Caller& caller, const ContainerId& id);

    const AccessPolicy& policy() const;
    Timestamp now() const;  ///< by the clock that decides about expirations

private:
    struct Impl;
    explicit KeyManager(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace sallyport::core
