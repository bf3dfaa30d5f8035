#pragma once

#include <optional>
#include <set>
#include <string>

#include "integrations/object/head.h"
#include "integrations/object/object_keys.h"
#include "integrations/object/random_source.h"
#include "integrations/object/root_secret.h"
#include "integrations/object/target.h"
#include "keymanager/base/result.h"

namespace sallyport::object {

/// The ids of the root secrets that something of a stored object is under: its body key, its metadata, its listing's
/// etag. `stored`: the headers as the store has them. Error: `Corrupt` for crypto metadata that say nothing of it.
Result<std::set<std::string>> secrets_in_use(const Headers& stored);

/// The headers of a stored object that have to change so that all of it is under the active secret: the body key
/// wrapped anew, ETags and metadata sealed anew. The ciphertext of the body stays as it is, and so does its key.
/// Nothing if all of it is under the active secret already, or if nothing is encrypted. Error: `NotFound` for a secret
/// that is not known, `Corrupt` for crypto metadata that are damaged, `WrongKey` if what comes out is no ETag: then the
/// secret behind the id is another one.
Result<std::optional<Headers>> rewrapped(const Headers& stored, const ObjectPath& path, const RootSecrets& secrets,
                                         RandomSource& random);

}  // namespace sallyport::object
