#include "integrations/volume/passphrase.h"

#include <algorithm>
#include <bitset>

#include "keymanager/base/codec.h"

namespace sallyport::volume {
namespace {

// libcryptsetup takes no passphrase longer than this from a terminal or a pipe; the agent keeps to it.
constexpr std::size_t LongestPassphrase = 512;

/// A text typed by a person, or a pattern, may be as long as a key and still have few bits. 32 random bytes are all
/// printable, or have fewer than 16 different values, once in more than 10^13 keys.
bool looks_random(std::span<const std::byte> key) {
    std::bitset<256> seen;
    for (const std::byte b : key) seen.set(std::to_integer<unsigned>(b));
    const bool printable = std::all_of(key.begin(), key.end(), [](std::byte b) {
        const auto c = std::to_integer<unsigned>(b);
        return (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\r' || c == '\t';
    });
    return !printable && seen.count() >= std::min<std::size_t>(16, key.size() / 2);
}

}  // namespace

Result<Passphrase> Passphrase::from_key(SecureBytes key, KeyKind kind) {
    if (key.empty()) return Error{Code::InvalidInput, "the key is empty: it opens nothing", {}};
    const std::size_t length = kind == KeyKind::Symmetric ? 2 * key.size() : key.size();
    if (length > LongestPassphrase) {
        return Error{Code::InvalidInput,
                     "the passphrase has " + std::to_string(length) + " bytes; a LUKS key slot takes " +
                         std::to_string(LongestPassphrase),
                     {}};
    }
    switch (kind) {
        case KeyKind::Symmetric: {
            const std::size_t random_bits = looks_random(key.reveal()) ? 8 * key.size() : 0;
            return Passphrase(TRY(to_hex_secure(key)), random_bits);
        }
        case KeyKind::Passphrase: return Passphrase(std::move(key), 0);
    }
    return Error{Code::Internal, "unknown kind of key", {}};
}

}  // namespace sallyport::volume
