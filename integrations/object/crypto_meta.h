#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "integrations/object/object_keys.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/result.h"
#include "keymanager/crypto/aes_ctr.h"

namespace sallyport::object {

/// The one cipher of the format.
inline constexpr std::string_view CipherName = "AES_CTR_256";

/// A body key as it is stored: under the object's key, by the same cipher, with an IV of its own. No check value.
struct WrappedKey {
    std::optional<Bytes> iv;
    std::optional<Bytes> key;
};

/// The JSON object that goes with a ciphertext. Every member may be missing from what is read; who needs one asks.
struct CryptoMeta {
    std::optional<std::string> cipher;
    std::optional<Bytes> iv;
    std::optional<WrappedKey> body_key;
    /// A key_id that is there but unusable keeps its error: it matters only to who needs the keys.
    std::optional<Result<KeyId>> key_id;
    bool empty = false;  ///< it was {}, which counts as missing where a sealed value carries it
};

/// As a header's value, byte for byte as Swift writes it: JSON with sorted keys, ", " and ": " between, ASCII only,
/// base64 for `iv` and `key`; then form-style percent quoting. Error: `InvalidInput` if a string is not UTF-8, or the
/// key_id an error.
Result<std::string> to_header(const CryptoMeta& meta);

/// Reads what any release of Swift may have written, as loosely as it does: quoted or not, unknown members ignored,
/// characters outside the base64 alphabet dropped.
/// Error: `Corrupt` if it is not a JSON object, or an `iv` or `key` at any depth is not base64 text.
Result<CryptoMeta> crypto_meta_from_header(std::string_view header);

/// The IV of a meta that has to have one. Error: `Corrupt` if the cipher is not ours or the IV has not 16 bytes.
Result<crypto::CounterBlock> checked_iv(const CryptoMeta& meta);

/// 16 bytes as a counter block. Error: `Corrupt` for another length.
Result<crypto::CounterBlock> counter_block(const Bytes& bytes);

}  // namespace sallyport::object
