#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "keymanager/base/clock.h"
#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::crypto {

/// One key of Fernet (https://github.com/fernet/spec), as python3-cryptography and so Barbican use it: AES-128-CBC
/// with PKCS7 padding, then HMAC-SHA256 over all of the token. Plaintexts are in locked memory on both sides; a token
/// is no secret.
/// Immutable, hence thread-safe.
class Fernet {
public:
    static constexpr std::size_t KeyBytes = 32;
    using Iv = std::array<std::byte, 16>;

    /// From the 44 characters of urlsafe base64 that a key is written as. Error: `InvalidInput`.
    static Result<Fernet> from_text(std::span<const std::byte> text);
    /// From the 32 bytes themselves: half for signing, half for encrypting. Error: `InvalidInput`.
    static Result<Fernet> from_bytes(SecureBytes key);
    static Result<Fernet> generate();

    /// The 44 characters.
    Result<SecureBytes> text() const;
    /// The 32 bytes, to derive other keys from.
    const SecureBytes& bytes() const { return key_; }

    /// A token of `plaintext`, urlsafe base64 with padding. `now` goes into it in whole seconds.
    Result<std::string> encrypt(const SecureBytes& plaintext, Timestamp now) const;
    /// The same with an IV that is given: for vectors only, since an IV must not be used twice.
    Result<std::string> encrypt_with_iv(const SecureBytes& plaintext, Timestamp now, const Iv& iv) const;

    /// What was encrypted. Tokens have no age here: secrets at rest do not expire by it.
    /// Error: `InvalidInput` if it is no token at all; `WrongKey` if its HMAC does not verify under this key (another
    /// key made it, or it was changed: no telling which); `Corrupt` if it verifies and yet cannot be decrypted.
    Result<SecureBytes> decrypt(std::string_view token) const;

private:
    explicit Fernet(SecureBytes key) : key_(std::move(key)) {}
    std::span<const std::byte> signing_key() const { return key_.reveal().first(16); }
    std::span<const std::byte> encryption_key() const { return key_.reveal().last(16); }

    SecureBytes key_;
};

}  // namespace sallyport::crypto
