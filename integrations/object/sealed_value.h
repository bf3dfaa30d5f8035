#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "integrations/object/crypto_meta.h"
#include "integrations/object/random_source.h"
#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::object {

/// A short value (a header, a listing's etag) under a key: base64 of its ciphertext, then "; swift_meta=" and the
/// crypto meta. `key_id` goes into the meta where the reader has no other way to find the key: in listings.
Result<std::string> seal(std::string_view value, const SecureBytes& key, RandomSource& random,
                         std::optional<KeyId> key_id = std::nullopt);

/// What a stored value turned out to be.
struct SealedValue {
    std::string ciphertext;          ///< still base64
    std::optional<CryptoMeta> meta;  ///< absent: the value is not sealed
};

/// Splits a value as a header with parameters: what stands before the first ";", and the parameter swift_meta.
/// Error: `Corrupt` if there is one that is no crypto meta.
Result<SealedValue> split_sealed(std::string_view value);

/// The bytes behind a sealed value. They may be anything: nothing is authenticated.
/// Error: `Corrupt` if the cipher is not ours, the IV has not 16 bytes, or the ciphertext is not base64.
Result<std::string> unseal(const SealedValue& sealed, const SecureBytes& key);

}  // namespace sallyport::object
