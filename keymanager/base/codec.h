#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "keymanager/base/bytes.h"
#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport {

/// The two alphabets of RFC 4648.
enum class Base64Alphabet { Standard, UrlSafe };
/// What a decoder does with characters outside the alphabet (white space among them).
enum class Base64Strictness {
    Strict,  ///< refuses them
    Lenient  ///< drops them, as Python's binascii.a2b_base64 does; wrong padding is refused all the same
};

/// Bytes that are no secret. Output is padded.
std::string to_hex(std::span<const std::byte> bytes);
Result<Bytes> from_hex(std::string_view text);
std::string to_base64(std::span<const std::byte> bytes, Base64Alphabet alphabet = Base64Alphabet::Standard);
Result<Bytes> from_base64(std::string_view text, Base64Alphabet alphabet = Base64Alphabet::Standard,
                          Base64Strictness strictness = Base64Strictness::Strict);

/// The same for secrets: both ends in locked memory. `from_*` never says more of bad input than that it is bad.
Result<SecureBytes> to_hex_secure(const SecureBytes& bytes);
Result<SecureBytes> from_hex_secure(std::span<const std::byte> text);
Result<SecureBytes> to_base64_secure(const SecureBytes& bytes, Base64Alphabet alphabet = Base64Alphabet::Standard);
Result<SecureBytes> from_base64_secure(std::span<const std::byte> text,
                                       Base64Alphabet alphabet = Base64Alphabet::Standard,
                                       Base64Strictness strictness = Base64Strictness::Strict);

}  // namespace sallyport
