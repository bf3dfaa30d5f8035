#pragma once

#include <memory>
#include <string_view>

#include "keymanager/base/clock.h"
#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/core/access_policy.h"
#include "keymanager/core/caller.h"
#include "keymanager/core/limits.h"
#include "keymanager/db/database.h"
#include "keymanager/model/container.h"
#include "keymanager/model/secret.h"
#include "keymanager/store/secret_store.h"

namespace sallyport::core {

/// What all use cases stand on. Internal to keymanager/core: doors are handed a KeyManager, which owns one.
/// Thread-safe as its members are.
struct Context {
    std::unique_ptr<db::Database> database;
    std::unique_ptr<store::SecretStore> store;
    AccessPolicy policy;
    const Clock& clock;
    KeyManagerLimits limits;

    /// Error: `Forbidden`.
    Result<void> ask(const Caller& caller, std::string_view action, const Target& target = {}) const;
    /// The object, if the caller may do `action` to it. Error: `NotFound` (decided first), `Forbidden`.
    Result<model::Secret> permitted(db::Session& session, const Caller& caller, std::string_view action,
                                    const SecretId& id) const;
    Result<model::Container> permitted(db::Session& session, const Caller& caller, std::string_view action,
                                       const ContainerId& id) const;
};

/// The attributes that Barbican hands to its policy for a secret or container. They borrow from it.
Target target_of(const model::Secret& secret, const Caller& caller, std::string_view action);
Target target_of(const model::Container& container, const Caller& caller, std::string_view action);

}  // namespace sallyport::core
