#pragma once

#include <algorithm>
#include <span>

#include "integrations/volume/file.h"
#include "keymanager/base/bytes.h"

namespace sallyport::volume {

/// A device of bytes in memory. Borrows them.
class MemorySource final : public ByteSource {
public:
    explicit MemorySource(std::span<const std::byte> bytes) : bytes_(bytes) {}
    std::uint64_t size() const override { return bytes_.size(); }
    Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> out) const override {
        if (offset >= bytes_.size()) return std::size_t{0};
        const auto part = bytes_.subspan(offset, std::min<std::uint64_t>(out.size(), bytes_.size() - offset));
        std::copy(part.begin(), part.end(), out.begin());
        return part.size();
    }

private:
    std::span<const std::byte> bytes_;
};

}  // namespace sallyport::volume
