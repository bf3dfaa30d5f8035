#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "integrations/object/key_source.h"
#include "integrations/object/target.h"
#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::object {

/// Names the keys under which something was encrypted. It is stored in clear with each object, as
/// {"path": ..., "secret_id": ..., "v": ...}. The meaning of `path` depends on the version:
///   V1  the bytes of the path, each as one Latin-1 character; for an object whose name begins with "/", only that name
///   V2  the bytes of the path, each as one Latin-1 character
///   V3  the path as text
/// Version 1 and 2 were also written with the text right (by Python 2 proxies), so both spellings are read.
struct KeyId {
    std::string path;  ///< UTF-8 of the text in the JSON
    MetaVersion version = MetaVersion::V2;
    std::string secret_id;  ///< empty: the secret with no id

    friend bool operator==(const KeyId&, const KeyId&) = default;
};

/// The keys for one request: HMAC-SHA256 of the path under a root secret.
struct ObjectKeys {
    SecureBytes container;
    SecureBytes object;  ///< empty for a request about a container
};

/// The keys that encrypt: of the active secret and the request's path. They are derived anew each time (two HMACs):
/// nothing is cached, so nothing can be cached under too little.
Result<ObjectKeys> derive_keys(const KeySource& secrets, const ObjectPath& request);
/// The same under one secret by its id. Error: `NotFound` if it is unknown.
Result<ObjectKeys> derive_keys(const KeySource& secrets, const ObjectPath& request, const std::string& secret_id);

/// The keys that a stored key_id names, for a request to `request`. Where its path is not the request's, the stored one
/// wins, so an object that was moved with its metadata stays readable.
/// Error: `NotFound` if its secret is unknown, `Corrupt` if its path is malformed.
Result<ObjectKeys> keys_of(const KeySource& secrets, const ObjectPath& request, const KeyId& key_id);

/// What is to be stored with an object at `request` that the active secret encrypts.
/// Error: `InvalidInput` if version 3 is to be written and the path is not UTF-8.
Result<KeyId> key_id_to_write(const KeySource& secrets, const ObjectPath& request);

/// Base64 of HMAC-SHA256(object key, tag): stands for the plaintext's MD5 where the store has to compare it.
Result<std::string> etag_mac(const SecureBytes& object_key, std::string_view tag);

}  // namespace sallyport::object
