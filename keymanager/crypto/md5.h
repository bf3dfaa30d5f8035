#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "keymanager/base/result.h"
#include "keymanager/crypto/openssl_handle.h"

namespace sallyport::crypto {

/// MD5 (RFC 1321) of a stream. It stands here for one reason: Swift's ETag *is* the MD5 of the body, and what we store
/// has to be what Swift's auditor and clients compute. It guards against accidents only; nothing may rest on it where
/// somebody could choose the bytes.
class Md5 {
public:
    static Result<Md5> create();
    Result<void> update(std::span<const std::byte> data);
    /// The digest in 32 lower-case hexadecimal digits. The stream is over with this call.
    Result<std::string> hex();

private:
    explicit Md5(DigestCtx context) : context_(std::move(context)) {}
    DigestCtx context_;
};

/// The MD5 of nothing, which a zero-byte object has for its ETag.
inline constexpr const char* Md5OfNothing = "d41d8cd98f00b204e9800998ecf8427e";

}  // namespace sallyport::crypto
