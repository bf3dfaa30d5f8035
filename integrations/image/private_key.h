#pragma once

#include <optional>

#include "integrations/image/public_key.h"
#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::image {

/// A private key in PEM or DER, PKCS #8 (RFC 5958) or an older form, encrypted if there is a passphrase.
///
/// RSA and EC keys in unencrypted PKCS #8, which is what key managers hold, are read without a copy in ordinary memory
/// but the numbers that OpenSSL itself holds and wipes. Everything else passes through OpenSSL's decoders, which free
/// copies unwiped: that is for processes that end soon.
///
/// Error: `InvalidInput` if that is no private key or needs a passphrase, `WrongKey` if the passphrase does not open
/// it, `Refused` for a curve without a name, `Overloaded` if the arena is full.
Result<Key> read_private_key(const SecureBytes& encoded, const std::optional<SecureBytes>& passphrase);

}  // namespace sallyport::image
