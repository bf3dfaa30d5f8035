#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "integrations/image/certificate.h"
#include "integrations/image/public_key.h"
#include "integrations/image/signature_properties.h"
#include "integrations/image/signature_scheme.h"
#include "integrations/image/signature_types.h"
#include "keymanager/base/clock.h"
#include "keymanager/base/result.h"

namespace sallyport::image {

/// RSA and DSA keys have to be this long by Rules::Strict (NIST SP 800-131A: 112 bits of security).
inline constexpr int LeastKeyBits = 2048;

/// May this certificate's key sign images with signatures of this type? By Rules::Strict it is in date, its key is long
/// enough, on the curve of the type's name, and not certified for other uses only.
/// Error: `Refused`, in cursive's words where it has any.
Result<void> check_signer(const Certificate& certificate, const Key& key, KeyType type, Rules rules, Timestamp now);

/// Judges an image as it passes by, once. Not thread-safe: it has a position.
///
///     SignatureVerifier verifier = TRY(SignatureVerifier::create(claim, certificate, Rules::Strict, clock.now()));
///     while (there is more) TRY(verifier.update(block));
///     return verifier.finish();
class SignatureVerifier {
public:
    /// Error: `Refused` if the certificate does not fit the claim (check_signer), or the signature is empty.
    static Result<SignatureVerifier> create(SignatureClaim claim, const Certificate& certificate, Rules rules,
                                            Timestamp now);

    Result<void> update(std::span<const std::byte> data) { return digest_.update(data); }
    /// Error: `Corrupt` if the signature is not that of the bytes that passed, with the reason where it can be told.
    Result<void> finish();

private:
    SignatureVerifier(SignatureClaim claim, Key key, ImageDigest digest)
        : claim_(std::move(claim)), key_(std::move(key)), digest_(std::move(digest)) {}

    SignatureClaim claim_;
    Key key_;
    ImageDigest digest_;
};

}  // namespace sallyport::image
