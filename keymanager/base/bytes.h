#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport {

/// Bytes that are no secret (ciphertext, headers). Secret bytes live in SecureBytes.
using Bytes = std::vector<std::byte>;

inline std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}
/// The characters behind non-secret bytes (of a text protocol, say). The view borrows.
inline std::string_view text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline const unsigned char* uchar(const std::byte* p) { return reinterpret_cast<const unsigned char*>(p); }
inline unsigned char* uchar(std::byte* p) { return reinterpret_cast<unsigned char*>(p); }

}  // namespace sallyport
