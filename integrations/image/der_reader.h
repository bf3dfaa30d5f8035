#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace sallyport::image {

/// The tags (X.690, section 8.1.2) that private keys are made of.
enum class DerTag : unsigned char {
    Integer = 0x02,
    BitString = 0x03,
    OctetString = 0x04,
    ObjectId = 0x06,
    Sequence = 0x30,
    Context0 = 0xa0,
    Context1 = 0xa1
};

/// Walks along elements of DER where they lie, which may be locked memory: it copies nothing. Borrows.
class DerReader {
public:
    explicit DerReader(std::span<const std::byte> bytes) : rest_(bytes) {}

    /// The content of the next element, if it has this tag; stays in front of it otherwise.
    std::optional<std::span<const std::byte>> next(DerTag tag);
    std::span<const std::byte> rest() const { return rest_; }
    bool is_at_end() const { return rest_.empty(); }

private:
    std::span<const std::byte> rest_;
};

}  // namespace sallyport::image
