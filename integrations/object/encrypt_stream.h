#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "integrations/object/crypto_meta.h"
#include "integrations/object/object_keys.h"
#include "integrations/object/random_source.h"
#include "keymanager/base/result.h"
#include "keymanager/crypto/aes_ctr.h"
#include "keymanager/crypto/md5_pair.h"

namespace sallyport::object {

/// A body key under an object's key, as it is stored. Swift's wrapping is the cipher itself (not RFC 3394) and has no
/// check value.
Result<WrappedKey> wrap_body_key(const SecureBytes& key, const SecureBytes& object_key, RandomSource& random);

/// Encrypts one body as it passes, and keeps what has to be stored beside it. A body key is drawn when the first byte
/// comes, so a body without one leaves nothing to store.
///
/// Not thread-safe; the keys must outlive it. The order of the draws is part of the format's test vectors: body IV,
/// body key, wrapping IV.
class EncryptStream {
public:
    EncryptStream(const ObjectKeys& keys, const KeyId& key_id, RandomSource& random)
        : keys_(&keys), key_id_(key_id), random_(&random) {}

    /// Turns the next bytes of the body into ciphertext, in place.
    Result<void> encrypt(std::span<std::byte> chunk);
    /// The same from memory to other memory of that size.
    Result<void> encrypt(std::span<const std::byte> plaintext, std::span<std::byte> ciphertext);

    struct Sealed {
        std::string plaintext_md5;
        std::string ciphertext_md5;
        std::string body_meta;  ///< the value of X-Object-Sysmeta-Crypto-Body-Meta
    };
    /// The stream is over with this call. Nothing if no byte has passed.
    Result<std::optional<Sealed>> finish();

private:
    struct State {
        crypto::AesCtr cipher;
        CryptoMeta meta;
        crypto::Md5Pair md5{};            ///< of the plaintext and of the ciphertext
        std::vector<std::byte> before{};  ///< its encryption: the step that is being encrypted
    };
    Result<State> begin();

    const ObjectKeys* keys_;
    KeyId key_id_;
    RandomSource* random_;
    std::optional<State> state_;
};

}  // namespace sallyport::object
