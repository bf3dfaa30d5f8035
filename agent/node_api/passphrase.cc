#include "agent/node_api/passphrase.h"

#include <utility>

namespace sallyport::node_api {

Result<volume::Passphrase> fetch_passphrase(core::KeyManager& key_manager, const core::Caller& caller,
                                            const SecretId& id) {
    const model::Secret secret = TRY(key_manager.describe(caller, id));
    core::Payload payload = TRY(key_manager.fetch(caller, id));
    const bool as_it_is = secret.attributes.type == model::SecretType::Passphrase;
    return volume::Passphrase::from_key(std::move(payload.bytes),
                                        as_it_is ? volume::KeyKind::Passphrase : volume::KeyKind::Symmetric);
}

}  // namespace sallyport::node_api
