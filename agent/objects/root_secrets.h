#pragma once

#include "agent/config/config.h"
#include "integrations/object/root_secret.h"
#include "keymanager/base/result.h"
#include "keymanager/core/caller.h"
#include "keymanager/core/key_manager.h"

namespace sallyport::objects {

/// As whom the object door asks for them.
core::Caller door_caller(const config::Objects& config);

/// The root secrets that the configuration names, from the embedded key manager, as an observer of objects.project: the
/// policy is asked as for any other caller. Blocks (database, HSM): use it from a lane.
/// Error: as KeyManager::fetch, with the option that names the secret; `InvalidInput` if one is shorter than 32 bytes.
Result<object::RootSecrets> fetch_root_secrets(const config::Objects& config, core::KeyManager& keys);

}  // namespace sallyport::objects
