#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "integrations/image/public_key.h"
#include "integrations/image/signature_types.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/result.h"
#include "keymanager/crypto/openssl_handle.h"

namespace sallyport::image {

/// The digest of an image, taken as it passes by. Not thread-safe: it has a position.
class ImageDigest {
public:
    static Result<ImageDigest> create(HashMethod method);
    Result<void> update(std::span<const std::byte> data);
    /// The stream is over with this call.
    Result<Bytes> finish();

private:
    explicit ImageDigest(crypto::DigestCtx context) : context_(std::move(context)) {}
    crypto::DigestCtx context_;
};

/// How digests are signed: RSA with PSS (RFC 8017, section 8.1), MGF1 with the same hash and the longest salt that
/// fits; DSA and ECDSA (FIPS 186-4) in DER.
struct Scheme {
    KeyType key_type;
    HashMethod hash_method;
};

/// True if `signature` is that of `digest` under the key, which is of the scheme's kind.
/// Error: `Refused` if the RSA key is too short for the hash.
Result<bool> signature_matches(const Key& key, const Scheme& scheme, std::span<const std::byte> digest,
                               std::span<const std::byte> signature);

/// Error: `Refused` as above, `Internal`.
Result<Bytes> sign_digest(const Key& key, const Scheme& scheme, std::span<const std::byte> digest);

/// Why an RSA signature does not match, where it can be told: it was made with another salt, or with other padding.
/// Empty otherwise.
std::string explain_mismatch(const Key& key, const Scheme& scheme, std::span<const std::byte> digest,
                             std::span<const std::byte> signature);

}  // namespace sallyport::image
