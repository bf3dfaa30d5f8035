#pragma once

#include <cstdint>
#include <optional>

#include "integrations/volume/file.h"
#include "keymanager/base/result.h"

namespace sallyport::volume {

/// A part of a source, as a source of its own.
class Window final : public ByteSource {
public:
    Window(const ByteSource& whole, std::uint64_t offset, std::uint64_t size)
        : whole_(&whole), offset_(offset), size_(size) {}
    std::uint64_t size() const override { return size_; }
    Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> out) const override;

private:
    const ByteSource* whole_;
    std::uint64_t offset_;
    std::uint64_t size_;
};

/// Where a qcow2 image keeps the LUKS header of its encryption (QEMU, docs/interop/qcow2, "Full disk encryption header
/// pointer"): Cinder's NFS volumes are such images. nullopt if the image is not encrypted with LUKS, or is no qcow2.
/// Error: `Corrupt` if the pointer leads nowhere.
Result<std::optional<Window>> luks_header_of_qcow2(const ByteSource& image);

}  // namespace sallyport::volume
