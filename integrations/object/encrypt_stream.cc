#include "integrations/object/encrypt_stream.h"

#include <utility>

namespace sallyport::object {
namespace {

/// `key` under the object's key. Swift's wrapping is the cipher itself (not RFC 3394) and has no check value.
Result<WrappedKey> wrapped(const SecureBytes& key, const SecureBytes& object_key, RandomSource& random) {
    const crypto::CounterBlock iv = TRY(random.draw_iv());
    SecureBytes copy = TRY(key.clone());
    auto cipher = TRY(crypto::AesCtr::create(object_key, iv));
    TRY(cipher.apply(copy.writable()));
    const auto ciphertext = copy.reveal();
    return WrappedKey{Bytes(iv.begin(), iv.end()), Bytes(ciphertext.begin(), ciphertext.end())};
}

}  // namespace

Result<EncryptStream::State> EncryptStream::begin() {
    const crypto::CounterBlock iv = TRY(random_->draw_iv());
    const SecureBytes body_key = TRY(random_->draw_key());
    CryptoMeta meta;
    meta.cipher = CipherName;
    meta.iv = Bytes(iv.begin(), iv.end());
    meta.body_key = TRY(wrapped(body_key, keys_->object, *random_));
    meta.key_id = key_id_;
    return State {
        TRY(crypto::AesCtr::create(body_key, iv))
        , TRY(crypto::Md5::create())
        , TRY(crypto::Md5::create())
        , std::move(meta)
    };
}

Result<void> EncryptStream::encrypt(std::span<std::byte> chunk) {
    if (chunk.empty()) return {};
    if (!state_) state_ = TRY(begin());
    TRY(state_->plaintext.update(chunk));
    TRY(state_->cipher.apply(chunk));
    return state_->ciphertext.update(chunk);
}

Result<std::optional<EncryptStream::Sealed>> EncryptStream::finish() {
    if (!state_) return {std::nullopt};
    return {Sealed{TRY(state_->plaintext.hex()), TRY(state_->ciphertext.hex()), TRY(to_header(state_->meta))}};
}

}  // namespace sallyport::object
