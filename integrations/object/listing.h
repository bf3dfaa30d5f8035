#pragma once

#include <string>
#include <string_view>

#include "integrations/object/key_source.h"
#include "integrations/object/target.h"
#include "keymanager/base/result.h"

namespace sallyport::object {

/// A container's listing in JSON, with the sealed `hash` of each entry replaced by the plaintext's etag. Entries may be
/// under different root secrets. One that cannot be read (malformed crypto meta, unknown secret, other cipher, bad IV,
/// or bytes that are no text) says "<unknown>" and the listing goes on. Error: `Corrupt` if it is not a JSON array of
/// objects; as KeySource::derive if a key is not to be had for now.
Result<std::string> decrypt_listing(std::string_view json, const ObjectPath& container, const KeySource& secrets);

}  // namespace sallyport::object
