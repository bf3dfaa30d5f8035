#pragma once

#include "integrations/volume/passphrase.h"
#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/core/caller.h"
#include "keymanager/core/key_manager.h"

namespace sallyport::node_api {

/// The passphrase that a secret makes, fetched with the caller's own rights: a secret of type `passphrase` is used as
/// it is, any other as Nova does. Error: that of the key manager; `InvalidInput` for a secret that makes none.
Result<volume::Passphrase> fetch_passphrase(core::KeyManager& key_manager, const core::Caller& caller,
                                            const SecretId& id);

}  // namespace sallyport::node_api
