#include "keymanager/crypto/digest.h"

#include <openssl/hmac.h>

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

Result<std::array<std::byte, 32>> sha256(std::span<const std::byte> message) {
    std::array<std::byte, 32> out{};
    unsigned int size = 0;
    if (EVP_Digest(message.data(), message.size(), uchar(out.data()), &size, sha256_algorithm(), nullptr) != 1) {
        return Error{Code::Internal, "SHA-256 failed", openssl_detail()};
    }
    return out;
}

}  // namespace sallyport::crypto
