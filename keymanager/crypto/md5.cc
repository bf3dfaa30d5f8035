#include "keymanager/crypto/md5.h"

#include <array>
#include <utility>

#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"

namespace sallyport::crypto {

Result<Md5> Md5::create() {
    DigestCtx context(EVP_MD_CTX_new());
    if (context == nullptr) return Error{Code::Overloaded, "out of memory", openssl_detail()};
    if (EVP_DigestInit_ex(context.get(), EVP_md5(), nullptr) != 1) {
        return Error{Code::Internal, "this OpenSSL offers no MD5, which ETags need", openssl_detail()};
    }
    return Md5(std::move(context));
}

Result<void> Md5::update(std::span<const std::byte> data) {
    if (EVP_DigestUpdate(context_.get(), data.data(), data.size()) != 1) {
        return Error{Code::Internal, "MD5 failed", openssl_detail()};
    }
    return {};
}

Result<std::string> Md5::hex() {
    std::array<std::byte, 16> digest{};
    unsigned int size = 0;
    if (EVP_DigestFinal_ex(context_.get(), uchar(digest.data()), &size) != 1 || size != digest.size()) {
        return Error{Code::Internal, "MD5 failed", openssl_detail()};
    }
    return to_hex(digest);
}

}  // namespace sallyport::crypto
