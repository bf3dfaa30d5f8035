#include "integrations/volume/image_crypt.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "integrations/volume/file.h"
#include "integrations/volume/luks_device.h"
#include "integrations/volume/new_file.h"
#include "integrations/volume/probe.h"
#include "integrations/volume/sector_cipher.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::volume {
namespace {

constexpr std::size_t BlockSize = 4 * 1024 * 1024;
constexpr std::size_t HoleSize = 64 * 1024;

/// Plain text of a volume passes through here; it is wiped when done. (Ordinary memory: it is the guest's data, not a
/// key, and lies in the source or destination in the clear anyway.)
class Buffer {
public:
    Buffer() : bytes_(BlockSize) {}
    ~Buffer() { wipe(bytes_); }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    std::span<std::byte> first(std::size_t size) { return std::span(bytes_).first(size); }

private:
    Bytes bytes_;
};

bool all_zero(std::span<const std::byte> bytes) {
    return bytes[0] == std::byte{0} && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

std::uint64_t rounded_up(std::uint64_t size, std::uint64_t unit) { return (size + unit - 1) / unit * unit; }

/// A full disk is found out before the work. File systems that cannot reserve are taken at their word.
Result<void> reserve(const File& file, std::uint64_t size) {
    if (fallocate(file.descriptor(), 0, 0, static_cast<off_t>(size)) == 0) return {};
    if (errno == EOPNOTSUPP || errno == ENOSYS) return {};
    return Error{Code::Io,
                 "no room for the " + std::to_string(size) + " bytes of " + file.name() + ": " + std::strerror(errno),
                 {}};
}

Result<void> write_with_holes(File& file, std::uint64_t offset, std::span<const std::byte> bytes) {
    for (std::size_t at = 0; at < bytes.size(); at += HoleSize) {
        const auto part = bytes.subspan(at, std::min(HoleSize, bytes.size() - at));
        if (!all_zero(part)) TRY(file.write(offset + at, part));
    }
    return {};
}

Result<void> must_be_raw(const File& source, bool force) {
    if (force) return {};
    auto facts = probe(source);
    if (!facts && facts.error().code != Code::Corrupt) return facts.error();
    if (!facts || facts->luks) {
        return Error{
            Code::Refused, source.name() + " is encrypted with LUKS already; force to encrypt it once more", {}};
    }
    if (facts->content == Content::DiskImage) {
        return Error{
            Code::Refused,
            source.name() + " is a " + facts->what + " image: convert it to raw first (qemu-img convert -O raw)",
            {}};
    }
    return {};
}

}  // namespace

Result<ImageCryptReport> encrypt_image(const DevicePath& source_path, const std::string& destination,
                                       const Passphrase& passphrase, const FormatOptions& format,
                                       const ImageCryptOptions& options) {
    const File source = TRY(File::open(source_path, File::Access::Read));
    if (source.size() == 0) return Error{Code::InvalidInput, source.name() + " is empty", {}};
    TRY(must_be_raw(source, format.force));
    const std::uint64_t payload = rounded_up(source.size(), format.sector_size);
    // With less data than fills a device of usual size behind a usual header, both come to the compact one.
    const std::uint64_t size = payload + data_offset_for(payload + LargestDataOffset, format.version);
    NewFile target = TRY(NewFile::create(destination, options.replace));
    const NewHeader header = TRY(make_header(size, destination, passphrase, format));
    const std::uint64_t data_offset = header.key.data_offset;
    SALLYPORT_ASSERT(data_offset + payload == size);  // both sides ask data_offset_for
    TRY(reserve(target.file(), size));
    TRY(copy_bytes(header.image, target.file(), 0, data_offset));

    SectorCipher cipher = TRY(SectorCipher::make(header.key, SectorCipher::Direction::Encrypt));
    Buffer buffer;
    for (std::uint64_t at = 0; at < payload;) {
        const auto block = buffer.first(static_cast<std::size_t>(std::min<std::uint64_t>(BlockSize, payload - at)));
        const std::size_t got = TRY(source.read(at, block));
        if (got < block.size() && at + got < source.size())
            return Error{Code::Io, source.name() + " shrank while it was read", {}};
        std::fill(block.begin() + static_cast<std::ptrdiff_t>(got), block.end(), std::byte{0});
        TRY(cipher.process(at, block));
        TRY(target.file().write(data_offset + at, block));
        at += block.size();
        if (options.progress) options.progress(at, payload);
    }
    TRY(target.publish());
    return ImageCryptReport{source.size(), data_offset + payload};
}

Result<ImageCryptReport> decrypt_image(const DevicePath& source_path, const std::string& destination,
                                       const Passphrase& passphrase, const LuksLimits& limits,
                                       const ImageCryptOptions& options) {
    const File source = TRY(File::open(source_path, File::Access::Read));
    const VolumeFacts facts = TRY(probe(source));
    LuksDevice luks = TRY(load_without_writing(source, facts, limits));
    if (facts.content != Content::Luks) {
        return Error{Code::InvalidInput,
                     source.name() + " is a " + facts.what + " image: QEMU decrypts it (qemu-img convert)",
                     {}};
    }
    if (!facts.luks->requirements.empty()) {
        return Error{Code::Conflict, source.name() + " is being re-encrypted: let cryptsetup finish that first", {}};
    }
    const VolumeKey key = TRY(luks.volume_key(passphrase));
    if (key.data_offset >= source.size())
        return Error{Code::Corrupt, source.name() + " ends before its data begins", {}};
    // What does not fill a sector at the end was never part of the volume.
    const std::uint64_t payload = (source.size() - key.data_offset) / key.sector_size * key.sector_size;
    SectorCipher cipher = TRY(SectorCipher::make(key, SectorCipher::Direction::Decrypt));
    NewFile target = TRY(NewFile::create(destination, options.replace));
    Buffer buffer;
    for (std::uint64_t at = 0; at < payload;) {
        const auto block = buffer.first(static_cast<std::size_t>(std::min<std::uint64_t>(BlockSize, payload - at)));
        if (TRY(source.read(key.data_offset + at, block)) != block.size())
            return Error{Code::Io, source.name() + " shrank while it was read", {}};
        TRY(cipher.process(at, block));
        TRY(write_with_holes(target.file(), at, block));
        at += block.size();
        if (options.progress) options.progress(at, payload);
    }
    if (ftruncate(target.file().descriptor(), static_cast<off_t>(payload)) != 0)
        return error_of_errno(errno, destination, "extend");
    TRY(target.publish());
    return ImageCryptReport{source.size(), payload};
}

}  // namespace sallyport::volume
