#include "keymanager/crypto/digest.h"

#include <openssl/hmac.h>

#include <algorithm>
#include <utility>

#include "keymanager/base/bytes.h"
#include "keymanager/crypto/openssl_handle.h"

namespace sallyport::crypto {
namespace {

/// Fetched once and kept: with EVP_sha256() OpenSSL 3 looks the provider's implementation up at every use, which takes
/// longer than the digest of a token.
const EVP_MD* sha256_algorithm() {
    static const EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    return fetched == nullptr ? EVP_sha256() : fetched;
}

Result<void> hmac_into(std::span<const std::byte> key, std::span<const std::byte> message, std::span<std::byte> out) {
    // A null key means "reuse" to OpenSSL: an empty one needs an address.
    static const unsigned char none = 0;
    unsigned int size = 0;
    const unsigned char* data = key.empty() ? &none : uchar(key.data());
    if (HMAC(EVP_sha256(), data, static_cast<int>(key.size()), uchar(message.data()), message.size(), uchar(out.data()),
             &size) == nullptr ||
        size != out.size()) {
        return Error{Code::Internal, "HMAC-SHA256 failed", openssl_detail()};
    }
    return {};
}

}  // namespace

Result<std::array<std::byte, 32>> hmac_sha256(std::span<const std::byte> key, std::span<const std::byte> message) {
    std::array<std::byte, 32> out{};
    TRY(hmac_into(key, message, out));
    return out;
}

Result<SecureBytes> hmac_sha256_secret(std::span<const std::byte> key, std::span<const std::byte> message) {
    SecureBytes out = TRY(SecureBytes::of_size(32));
    TRY(hmac_into(key, message, out.writable()));
    return out;
}

struct HmacKey::Impl {
    DigestCtx inner{EVP_MD_CTX_new()};
    DigestCtx outer{EVP_MD_CTX_new()};
    DigestCtx work{EVP_MD_CTX_new()};

    static Error failed() { return {Code::Internal, "HMAC-SHA256 failed", openssl_detail()}; }

    /// RFC 2104, section 2: the digest of the key's block, masked.
    static Result<void> begin(EVP_MD_CTX* context, const SecureBytes& block, std::byte mask) {
        SecureBytes masked = TRY(block.clone());
        for (std::byte& byte : masked.writable()) byte ^= mask;
        if (EVP_DigestInit_ex(context, sha256_algorithm(), nullptr) != 1) return failed();
        if (EVP_DigestUpdate(context, masked.writable().data(), masked.size()) != 1) return failed();
        return {};
    }
};

HmacKey::HmacKey(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HmacKey::~HmacKey() = default;
HmacKey::HmacKey(HmacKey&&) noexcept = default;
HmacKey& HmacKey::operator=(HmacKey&&) noexcept = default;

Result<HmacKey> HmacKey::make(std::span<const std::byte> key) {
    constexpr std::size_t BlockBytes = 64;
    SecureBytes block = TRY(SecureBytes::of_size(BlockBytes));
    if (key.size() > BlockBytes) {
        unsigned int size = 0;
        if (EVP_Digest(key.data(), key.size(), uchar(block.writable().data()), &size, sha256_algorithm(), nullptr) != 1)
            return Impl::failed();
    } else {
        std::copy(key.begin(), key.end(), block.writable().begin());
    }
    auto impl = std::make_unique<Impl>();
    TRY(Impl::begin(impl->inner.get(), block, std::byte{0x36}));
    TRY(Impl::begin(impl->outer.get(), block, std::byte{0x5c}));
    return HmacKey(std::move(impl));
}

Result<std::array<std::byte, 32>> HmacKey::sign(std::initializer_list<std::span<const std::byte>> pieces) {
    std::array<std::byte, 32> out{};
    EVP_MD_CTX* const work = impl_->work.get();
    if (EVP_MD_CTX_copy_ex(work, impl_->inner.get()) != 1) return Impl::failed();
    for (const auto& piece : pieces) {
        if (EVP_DigestUpdate(work, piece.data(), piece.size()) != 1) return Impl::failed();
    }
    if (EVP_DigestFinal_ex(work, uchar(out.data()), nullptr) != 1) return Impl::failed();
    if (EVP_MD_CTX_copy_ex(work, impl_->outer.get()) != 1) return Impl::failed();
    if (EVP_DigestUpdate(work, out.data(), out.size()) != 1) return Impl::failed();
    if (EVP_DigestFinal_ex(work, uchar(out.data()), nullptr) != 1) return Impl::failed();
    return out;
}

Result<std::array<std::byte, 32>> sha256(std::span<const std::byte> message) {
    std::array<std::byte, 32> out{};
    unsigned int size = 0;
    if (EVP_Digest(message.data(), message.size(), uchar(out.data()), &size, sha256_algorithm(), nullptr) != 1) {
        return Error{Code::Internal, "SHA-256 failed", openssl_detail()};
    }
    return out;
}

}  // namespace sallyport::crypto
