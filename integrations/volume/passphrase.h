#pragma once

#include <cstddef>

#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::volume {

/// What the key manager says a key is; it decides how the passphrase is made.
enum class KeyKind {
    Symmetric,  ///< random bytes: the passphrase is their lower-case hexadecimal text
    Passphrase  ///< Barbican's secret type `passphrase`: used as it is
};

/// What goes into a LUKS key slot. A type of its own, so that raw key bytes are never handed over in its place.
class Passphrase {
public:
    /// The passphrase that Nova and os-brick make of a key: binascii.hexlify(key), no newline; a `passphrase` secret
    /// as it is (os-brick utils.get_passphrase_from_secret). Takes the key and wipes it.
    /// Error: `InvalidInput` for an empty key, or one longer than LUKS takes (512 bytes of passphrase, as QEMU and
    /// cryptsetup's key files allow far more, but no key manager makes such keys).
    static Result<Passphrase> from_key(SecureBytes key, KeyKind kind);

    const SecureBytes& text() const noexcept { return text_; }

    /// How many random bits the key has for certain: 8 a byte for a symmetric key; 0 for a `passphrase`, and for key
    /// bytes that no random generator made (all of them printable text, or hardly any different ones).
    std::size_t random_bits() const noexcept { return random_bits_; }

private:
    Passphrase(SecureBytes text, std::size_t random_bits) : text_(std::move(text)), random_bits_(random_bits) {}

    SecureBytes text_;
    std::size_t random_bits_;
};

}  // namespace sallyport::volume
