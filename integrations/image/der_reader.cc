#include "integrations/image/der_reader.h"

namespace sallyport::image {
namespace {

// Lengths of up to four bytes: no key is longer.
constexpr std::size_t MostLengthBytes = 4;

struct Length {
    std::size_t value;
    std::size_t bytes;  ///< that it takes to say so
};

/// X.690, section 8.1.3; the indefinite form is not DER.
std::optional<Length> length_at(std::span<const std::byte> bytes) {
    if (bytes.empty()) return std::nullopt;
    const auto first = std::to_integer<std::size_t>(bytes.front());
    if (first < 0x80) return Length{first, 1};
    const std::size_t count = first & 0x7f;
    if (count == 0 || count > MostLengthBytes || bytes.size() < 1 + count) return std::nullopt;
    std::size_t value = 0;
    for (const std::byte byte : bytes.subspan(1, count)) value = value << 8 | std::to_integer<std::size_t>(byte);
    return Length{value, 1 + count};
}

}  // namespace

std::optional<std::span<const std::byte>> DerReader::next(DerTag tag) {
    if (rest_.empty() || rest_.front() != static_cast<std::byte>(tag)) return std::nullopt;
    const auto length = length_at(rest_.subspan(1));
    if (!length || rest_.size() - 1 - length->bytes < length->value) return std::nullopt;
    const auto content = rest_.subspan(1 + length->bytes, length->value);
    rest_ = rest_.subspan(1 + length->bytes + length->value);
    return content;
}

}  // namespace sallyport::image
