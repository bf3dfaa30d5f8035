#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include "integrations/image/public_key.h"
#include "integrations/image/signature_scheme.h"
#include "integrations/image/signature_types.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::image {

/// Signs an image as it passes by, once. Not thread-safe: it has a position.
///
/// The private key is held by OpenSSL, which wipes it with this object.
class ImageSigner {
public:
    /// Error: those of read_private_key; `Refused` if no signature type fits the key (another curve, Ed25519).
    static Result<ImageSigner> create(const SecureBytes& encoded, const std::optional<SecureBytes>& passphrase,
                                      HashMethod method);

    KeyType key_type() const { return scheme_.key_type; }
    /// True if the certificate's key belongs to this one.
    bool belongs_to(const Key& certified) const;

    Result<void> update(std::span<const std::byte> data) { return digest_.update(data); }
    /// The signature, checked with the key itself before anybody gets it.
    /// Error: `Refused` if the key is too short for the hash.
    Result<Bytes> finish();

private:
    ImageSigner(Key key, Scheme scheme, ImageDigest digest)
        : key_(std::move(key)), scheme_(scheme), digest_(std::move(digest)) {}

    Key key_;
    Scheme scheme_;
    ImageDigest digest_;
};

}  // namespace sallyport::image
