#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "keymanager/base/clock.h"
#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/core/access_lists.h"
#include "keymanager/core/access_policy.h"
#include "keymanager/core/caller.h"
#include "keymanager/core/consumers.h"
#include "keymanager/core/containers.h"
#include "keymanager/core/deletion.h"
#include "keymanager/core/image_keys.h"
#include "keymanager/core/kek_care.h"
#include "keymanager/core/key_import.h"
#include "keymanager/core/life_cycle.h"
#include "keymanager/core/limits.h"
#include "keymanager/core/orders.h"
#include "keymanager/core/payload.h"
#include "keymanager/core/quotas.h"
#include "keymanager/core/transport_keys.h"
#include "keymanager/core/user_metadata.h"
#include "keymanager/core/volume_keys.h"
#include "keymanager/core/volumes.h"
#include "keymanager/db/database.h"
#include "keymanager/model/container.h"
#include "keymanager/model/secret.h"
#include "keymanager/store/secret_store.h"

namespace sallyport::core {

/// Whether a description names the consumers too, which costs another look at the database.
enum class Detail { Plain, WithConsumers };

/// The use cases of the key manager: those of secrets here, those of the other resources one call further, in a class
/// of their own each. Every one asks the policy first, so no door (REST, object filter, volumes, guests)
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

    Orders& orders();
    AccessLists& access_lists();
    Containers& containers();
    Consumers& consumers();
    UserMetadata& user_metadata();
    Quotas& quotas();
    TransportKeys& transport_keys();
    LifeCycle& life_cycle();
    VolumeKeys& volume_keys();
    Volumes& volumes();
    KeyImport& key_import();
    ImageKeys& image_keys();

    /// The question alone, for doors that must refuse before they look at the rest of a request. The use cases ask
    /// again.
    Result<void> check(const Caller& caller, std::string_view action) const;
    /// The object, if the caller may do `action` ("secret:put") to it.
    Result<model::Secret> check(const Caller& caller, std::string_view action, const SecretId& id);
    Result<model::Container> check(const Caller& caller, std::string_view action, const ContainerId& id);

    /// One step, with a payload (nothing is ever stored of a failed call), or the first of two, without.
    /// Error: `TooLarge`, `OverQuota`.
    Result<SecretId> store(const Caller& caller, const model::SecretAttributes& attributes,
                           std::optional<Payload> payload);
    /// The second of two steps. Error: `Conflict` if it has a payload; `TooLarge`.
    Result<void> add_payload(const Caller& caller, const SecretId& id, Payload payload);

    Result<model::Secret> describe(const Caller& caller, const SecretId& id, Detail detail = Detail::Plain);
    Result<model::PageOf<model::Secret>> list(const Caller& caller, const model::SecretFilter& filter,
                                              const model::Page& page, Detail detail = Detail::Plain);
    /// The key itself. Error: `NotFound` also if the secret has no payload.
    Result<Payload> fetch(const Caller& caller, const SecretId& id);
    /// Error: `Conflict` if it has consumers and they are to be heeded.
    Result<Deletion> remove(const Caller& caller, const SecretId& id);

    /// The care of the keys that all others are under. For the administrators of the node: it asks no policy.
    KekCare kek_care();
    const store::SecretStore& secret_store() const;

    const AccessPolicy& policy() const;
    Timestamp now() const;  ///< by the clock that decides about expirations

private:
    struct Impl;
    explicit KeyManager(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace sallyport::core
