#include "keymanager/crypto/digest.h"

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

constexpr std::size_t BlockBytes = 64;  // of SHA-256 (FIPS 180-4, section 1)
// RFC 2104, section 2: the bytes ipad and opad.
constexpr std::byte InnerMask{0x36};
constexpr std::byte OuterMask{0x5c};

Error hmac_failed() { return {Code::Internal, "HMAC-SHA256 failed", openssl_detail()}; }

/// RFC 2104, section 2, steps 1 and 2: the key as one block, with `mask` over it.
Result<SecureBytes> masked_block(std::span<const std::byte> key, std::byte mask) {
    SecureBytes block = TRY(SecureBytes::of_size(BlockBytes));
    if (key.size() > BlockBytes) {
        unsigned int size = 0;
        if (EVP_Digest(key.data(), key.size(), uchar(block.writable().data()), &size, sha256_algorithm(), nullptr) != 1)
            return hmac_failed();
    } else {
        std::copy(key.begin(), key.end(), block.writable().begin());
    }
    for (std::byte& byte : block.writable()) byte ^= mask;
    return block;
}

bool digest_of_two(EVP_MD_CTX* context, std::span<const std::byte> first, std::span<const std::byte> second,
                   std::byte* out) {
    return EVP_DigestInit_ex(context, sha256_algorithm(), nullptr) == 1 &&
           EVP_DigestUpdate(context, first.data(), first.size()) == 1 &&
           EVP_DigestUpdate(context, second.data(), second.size()) == 1 &&
           EVP_DigestFinal_ex(context, uchar(out), nullptr) == 1;
}

/// By hand, because HMAC(3) makes three contexts at each call, which takes longer than the digests. `out`: 32 bytes.
Result<void> hmac_into(std::span<const std::byte> key, std::span<const std::byte> message, std::span<std::byte> out) {
    SecureBytes block = TRY(masked_block(key, InnerMask));
    const DigestCtx context(EVP_MD_CTX_new());
    if (context == nullptr) return hmac_failed();
    if (!digest_of_two(context.get(), block.writable(), message, out.data())) return hmac_failed();
    for (std::byte& byte : block.writable()) byte ^= InnerMask ^ OuterMask;
    if (!digest_of_two(context.get(), block.writable(), out, out.data())) return hmac_failed();
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

    static Result<void> begin(EVP_MD_CTX* context, std::span<const std::byte> key, std::byte mask) {
        SecureBytes block = TRY(masked_block(key, mask));
        if (EVP_DigestInit_ex(context, sha256_algorithm(), nullptr) != 1) return hmac_failed();
        if (EVP_DigestUpdate(context, block.writable().data(), block.size()) != 1) return hmac_failed();
        return {};
    }
};

HmacKey::HmacKey(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HmacKey::~HmacKey() = default;
HmacKey::HmacKey(HmacKey&&) noexcept = default;
HmacKey& HmacKey::operator=(HmacKey&&) noexcept = default;

Result<HmacKey> HmacKey::make(std::span<const std::byte> key) {
    auto impl = std::make_unique<Impl>();
    TRY(Impl::begin(impl->inner.get(), key, InnerMask));
    TRY(Impl::begin(impl->outer.get(), key, OuterMask));
    return HmacKey(std::move(impl));
}

Result<std::array<std::byte, 32>> HmacKey::sign(std::initializer_list<std::span<const std::byte>> pieces) {
    std::array<std::byte, 32> out{};
    EVP_MD_CTX* const work = impl_->work.get();
    if (EVP_MD_CTX_copy_ex(work, impl_->inner.get()) != 1) return hmac_failed();
    for (const auto& piece : pieces) {
        if (EVP_DigestUpdate(work, piece.data(), piece.size()) != 1) return hmac_failed();
    }
    if (EVP_DigestFinal_ex(work, uchar(out.data()), nullptr) != 1) return hmac_failed();
    if (EVP_MD_CTX_copy_ex(work, impl_->outer.get()) != 1) return hmac_failed();
    if (EVP_DigestUpdate(work, out.data(), out.size()) != 1) return hmac_failed();
    if (EVP_DigestFinal_ex(work, uchar(out.data()), nullptr) != 1) return hmac_failed();
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
