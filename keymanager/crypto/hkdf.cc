#include "keymanager/crypto/hkdf.h"

#include <openssl/kdf.h>

#include "keymanager/base/bytes.h"
#include "keymanager/crypto/openssl_handle.h"

namespace sallyport::crypto {

Result<SecureBytes> hkdf_sha256(const SecureBytes& key, std::span<const std::byte> salt,
                                std::span<const std::byte> info, std::size_t size) {
    if (size == 0 || size > 255 * 32) return Error{Code::InvalidInput, "HKDF-SHA256 makes 1 to 8160 bytes", {}};
    SecureBytes out = TRY(SecureBytes::of_size(size));
    const PkeyCtx context(EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nullptr));
    EVP_PKEY_CTX* ctx = context.get();
    // OpenSSL 3.0 takes no empty salt and no empty info: not setting them means the same (RFC 5869, section 2.2).
    if (ctx == nullptr || EVP_PKEY_derive_init(ctx) != 1 || EVP_PKEY_CTX_set_hkdf_md(ctx, EVP_sha256()) != 1 ||
        (!salt.empty() && EVP_PKEY_CTX_set1_hkdf_salt(ctx, uchar(salt.data()), static_cast<int>(salt.size())) != 1) ||
        EVP_PKEY_CTX_set1_hkdf_key(ctx, uchar(key.reveal().data()), static_cast<int>(key.size())) != 1 ||
        (!info.empty() && EVP_PKEY_CTX_add1_hkdf_info(ctx, uchar(info.data()), static_cast<int>(info.size())) != 1) ||
        EVP_PKEY_derive(ctx, uchar(out.writable().data()), &size) != 1 || size != out.size()) {
        return Error{Code::Internal, "HKDF-SHA256 failed", openssl_detail()};
    }
    return out;
}

}  // namespace sallyport::crypto
