#include "integrations/volume/qcow2.h"

#include <algorithm>
#include <array>

#include "keymanager/base/bytes.h"

namespace sallyport::volume {
namespace {

constexpr std::uint32_t LuksEncryption = 2;
constexpr std::uint32_t EncryptionHeaderPointer = 0x0537be77;
constexpr std::uint64_t LargestHeader =
    64 * 1024 * 1024;  // QEMU's own limit is lower; a LUKS1 header takes 4 MiB at most

std::uint64_t big_endian(std::span<const std::byte> bytes) {
    std::uint64_t value = 0;
    for (const std::byte b : bytes) value = value << 8 | std::to_integer<std::uint64_t>(b);
    return value;
}

}  // namespace

Result<std::size_t> Window::read(std::uint64_t offset, std::span<std::byte> out) const {
    if (offset >= size_) return std::size_t{0};
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), size_ - offset));
    return whole_->read(offset_ + offset, out.first(size));
}

Result<std::optional<Window>> luks_header_of_qcow2(const ByteSource& image) {
    // Header and extensions lie within the first cluster, which has at least 512 bytes; 4096 hold all that QEMU writes.
    std::array<std::byte, 4096> start{};
    const std::size_t size = TRY(image.read(0, start));
    const auto bytes = std::span<const std::byte>(start).first(size);
    if (size < 104 || !sallyport::text_of(bytes).starts_with("QFI\xfb")) return std::optional<Window>{};
    const std::uint64_t version = big_endian(bytes.subspan(4, 4));
    if (version < 3 || big_endian(bytes.subspan(32, 4)) != LuksEncryption) return std::optional<Window>{};
    std::uint64_t at = big_endian(bytes.subspan(100, 4));
    while (at + 8 <= size) {
        const std::uint64_t type = big_endian(bytes.subspan(at, 4));
        const std::uint64_t length = big_endian(bytes.subspan(at + 4, 4));
        if (type == 0) break;
        if (type == EncryptionHeaderPointer && length >= 16 && at + 24 <= size) {
            const std::uint64_t offset = big_endian(bytes.subspan(at + 8, 8));
            const std::uint64_t extent = big_endian(bytes.subspan(at + 16, 8));
            if (extent > LargestHeader || extent > image.size() || offset > image.size() - extent) {
                return Error{Code::Corrupt, "the qcow2 image points to an encryption header beyond its end", {}};
            }
            return std::optional(Window(image, offset, extent));
        }
        at += 8 + (length + 7) / 8 * 8;
    }
    return Error{Code::Corrupt, "the qcow2 image is encrypted with LUKS, but does not say where the header is", {}};
}

}  // namespace sallyport::volume
