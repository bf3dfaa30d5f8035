#include "integrations/object/encrypt_stream.h"

#include <algorithm>
#include <utility>

namespace sallyport::object {
namespace {

/// Small enough for the first cache: the bytes are read three times.
constexpr std::size_t StepSize = 8192;

}  // namespace

Result<WrappedKey> wrap_body_key(const SecureBytes& key, const SecureBytes& object_key, RandomSource& random) {
    const crypto::CounterBlock iv = TRY(random.draw_iv());
    SecureBytes copy = TRY(key.clone());
    auto cipher = TRY(crypto::AesCtr::create(object_key, iv));
    TRY(cipher.apply(copy.writable()));
    const auto ciphertext = copy.reveal();
    return WrappedKey{Bytes(iv.begin(), iv.end()), Bytes(ciphertext.begin(), ciphertext.end())};
}

Result<EncryptStream::State> EncryptStream::begin() {
    const crypto::CounterBlock iv = TRY(random_->draw_iv());
    const SecureBytes body_key = TRY(random_->draw_key());
    CryptoMeta meta;
    meta.cipher = CipherName;
    meta.iv = Bytes(iv.begin(), iv.end());
    meta.body_key = TRY(wrap_body_key(body_key, keys_->object, *random_));
    meta.key_id = key_id_;
    crypto::AesCtr cipher = TRY(crypto::AesCtr::create(body_key, iv));
    return State{std::move(cipher), std::move(meta)};
}

Result<void> EncryptStream::encrypt(std::span<std::byte> chunk) {
    if (chunk.empty()) return {};
    if (!state_) state_ = TRY(begin());
    while (!chunk.empty()) {
        const auto step = chunk.first(std::min(StepSize, chunk.size()));
        state_->before.assign(step.begin(), step.end());
        TRY(state_->cipher.apply(step));
        state_->md5.update(state_->before, step);
        chunk = chunk.subspan(step.size());
    }
    return {};
}

Result<void> EncryptStream::encrypt(std::span<const std::byte> plaintext, std::span<std::byte> ciphertext) {
    if (plaintext.empty()) return {};
    if (!state_) state_ = TRY(begin());
    // In steps, so that the digests find both in the processor's cache.
    for (std::size_t at = 0; at < plaintext.size(); at += StepSize) {
        const std::size_t size = std::min(StepSize, plaintext.size() - at);
        const auto in = plaintext.subspan(at, size);
        const auto out = ciphertext.subspan(at, size);
        TRY(state_->cipher.apply(in, out));
        state_->md5.update(in, out);
    }
    return {};
}

Result<std::optional<EncryptStream::Sealed>> EncryptStream::finish() {
    if (!state_) return {std::nullopt};
    auto [plaintext_md5, ciphertext_md5] = state_->md5.hex();
    return {Sealed{std::move(plaintext_md5), std::move(ciphertext_md5), TRY(to_header(state_->meta))}};
}

}  // namespace sallyport::object
