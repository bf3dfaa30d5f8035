#include "integrations/volume/image_crypt.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "integrations/volume/file.h"
#include "integrations/volume/luks_device.h"
#include "integrations/volume/new_file.h"
#include "integrations/volume/plain.h"
#include "integrations/volume/probe.h"
#include "integrations/volume/sector_cipher.h"
#include "keymanager/base/assert.h"

namespace sallyport::volume {
namespace {

/// Holes begin and end at multiples of this. A multiple of every sector size, and a divisor of BlockSize.
constexpr std::size_t HoleSize = 64 * 1024;
static_assert(BlockSize % HoleSize == 0);

bool all_zero(std::span<const std::byte> bytes) {
    return bytes[0] == std::byte{0} && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

std::uint64_t rounded_down(std::uint64_t size, std::uint64_t unit) { return size / unit * unit; }
std::uint64_t rounded_up(std::uint64_t size, std::uint64_t unit) { return rounded_down(size + unit - 1, unit); }

Error no_room(const File& file, std::uint64_t size, int reason) {
    return {Code::Io,
            "no room for the " + std::to_string(size) + " bytes of " + file.name() + ": " + std::strerror(reason),
            {}};
}

/// A full disk is found out before the work. File systems that cannot reserve are taken at their word.
Result<void> reserve(const File& file, std::uint64_t size) {
    struct statvfs room {};
    if (fstatvfs(file.descriptor(), &room) == 0 && room.f_blocks != 0 && size / room.f_frsize > room.f_bavail)
        return no_room(file, size, ENOSPC);
    // On tmpfs the reservation is the work itself (every page is made), and one thread would do it alone.
    struct statfs kind {};
    if (fstatfs(file.descriptor(), &kind) == 0 && kind.f_type == TMPFS_MAGIC) return {};
    if (fallocate(file.descriptor(), 0, 0, static_cast<off_t>(size)) == 0) return {};
    if (errno == EOPNOTSUPP || errno == ENOSYS) return {};
    return no_room(file, size, errno);
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

/// One conversion: `payload` bytes from `source` to `target`, each at its offset, through a cipher.
struct Conversion {
    const File& source;
    std::uint64_t source_offset;
    File& target;
    std::uint64_t target_offset;
    std::uint64_t payload;
    const VolumeKey& key;
    SectorCipher::Direction direction;
    bool sparse;
    /// The source may end within the last sector, which is filled up with zeros.
    bool pad;

    /// Reads, converts and writes what lies at `at` of the payload.
    Result<void> convert(SectorCipher& cipher, std::uint64_t at, std::span<std::byte> block) const {
        const std::size_t got = TRY(source.read(source_offset + at, block));
        const bool at_end = pad && source_offset + at + got >= source.size();
        if (got < block.size() && !at_end) return Error{Code::Io, source.name() + " shrank while it was read", {}};
        std::fill(block.begin() + static_cast<std::ptrdiff_t>(got), block.end(), std::byte{0});
        TRY(cipher.process(at, block));
        if (sparse && direction == SectorCipher::Direction::Decrypt) return write_with_holes(at, block);
        return target.write(target_offset + at, block);
    }

    Result<void> write_with_holes(std::uint64_t at, std::span<const std::byte> bytes) const {
        for (std::size_t done = 0; done < bytes.size();) {
            std::size_t end = done;
            while (end < bytes.size()) {
                const std::size_t size = std::min(HoleSize, bytes.size() - end);
                if (all_zero(bytes.subspan(end, size))) break;
                end += size;
            }
            if (end > done) TRY(target.write(target_offset + at + done, bytes.subspan(done, end - done)));
            done = end + HoleSize;
        }
        return {};
    }

    /// The same for the parts of a block in which the source has data.
    Result<void> convert_data(SectorCipher& cipher, std::uint64_t at, std::span<std::byte> block) const {
        const std::uint64_t end = at + block.size();
        while (at < end) {
            const std::uint64_t data = source.next_data(source_offset + at) - source_offset;
            at = std::max(at, rounded_down(data, HoleSize));
            if (at >= end) break;
            const std::uint64_t hole = source.next_hole(source_offset + std::max(at, data)) - source_offset;
            const std::uint64_t until = std::min(end, rounded_up(hole, HoleSize));
            TRY(convert(cipher, at, block.first(static_cast<std::size_t>(until - at))));
            at = until;
        }
        return {};
    }

    Result<BlockWorker> worker() const {
        // A std::function is copied; the cipher cannot be. Owners: the copies of this one worker.
        auto cipher = std::make_shared<SectorCipher>(TRY(SectorCipher::make(key, direction)));
        return BlockWorker([this, cipher](std::uint64_t at, std::span<std::byte> block) {
            return sparse ? convert_data(*cipher, at, block) : convert(*cipher, at, block);
        });
    }

    /// Afterwards the target has its whole size, holes at its end included.
    Result<void> run(const ImageCryptOptions& options) {
        posix_fadvise(source.descriptor(), 0, 0, POSIX_FADV_SEQUENTIAL);
        if (!sparse) TRY(reserve(target, target_offset + payload));
        TRY(for_each_block(
            payload, options.threads, [this] { return worker(); }, options.progress));
        if (ftruncate(target.descriptor(), static_cast<off_t>(target_offset + payload)) != 0)
            return error_of_errno(errno, target.name(), "extend");
        return {};
    }
};

/// The key of a volume's data, and where that begins.
Result<VolumeKey> key_of(const File& source, const Passphrase& passphrase, const LuksLimits& limits,
                         const ImageCryptOptions& options) {
    if (options.plain) {
        TRY(must_hold_nothing_known(source));
        return plain_volume_key(passphrase, *options.plain);
    }
    std::optional<File> detached;
    if (options.header) detached = TRY(File::open(*options.header, File::Access::Read));
    const File& header = detached ? *detached : source;
    const VolumeFacts facts = TRY(probe(header));
    LuksDevice luks = TRY(load_without_writing(header, facts, limits));
    if (facts.content != Content::Luks) {
        return Error{Code::InvalidInput,
                     header.name() + " is a " + facts.what + " image: QEMU decrypts it (qemu-img convert)",
                     {}};
    }
    if (!facts.luks->requirements.empty()) {
        return Error{Code::Conflict,
                     source.name() + " is being re-encrypted: finish that first (sallyport volume reencrypt)",
                     {}};
    }
    if (!detached && facts.luks->data_offset == 0) {
        return Error{Code::InvalidInput,
                     source.name() + " is the detached header of a volume: name the volume, and this as its header",
                     {}};
    }
    return luks.volume_key(passphrase);
}

Result<void> publish_header(const NewHeader& header, const DevicePath& path) {
    NewFile file = TRY(NewFile::create(path.str(), false));
    TRY(copy_bytes(header.image, file.file(), 0, header.size));
    return file.publish();
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
    const std::uint64_t room = options.header ? 0 : data_offset_for(payload + LargestDataOffset, format.version);
    NewFile target = TRY(NewFile::create(destination, options.replace));
    const NewHeader header = TRY(options.header ? make_detached_header(payload, destination, passphrase, format)
                                                : make_header(room + payload, destination, passphrase, format));
    SALLYPORT_ASSERT(header.key.data_offset == room);  // both sides ask data_offset_for
    if (options.header)
        TRY(publish_header(header, *options.header));
    else
        TRY(copy_bytes(header.image, target.file(), 0, header.size));

    Conversion conversion{
        source, 0, target.file(), room, payload, header.key, SectorCipher::Direction::Encrypt, options.sparse, true};
    TRY(conversion.run(options));
    TRY(target.publish());
    return ImageCryptReport{source.size(), room + payload};
}

Result<ImageCryptReport> decrypt_image(const DevicePath& source_path, const std::string& destination,
                                       const Passphrase& passphrase, const LuksLimits& limits,
                                       const ImageCryptOptions& options) {
    const File source = TRY(File::open(source_path, File::Access::Read));
    const VolumeKey key = TRY(key_of(source, passphrase, limits, options));
    if (key.data_offset >= source.size())
        return Error{Code::Corrupt, source.name() + " ends before its data begins", {}};
    // What does not fill a sector at the end was never part of the volume.
    const std::uint64_t payload = rounded_down(source.size() - key.data_offset, key.sector_size);
    NewFile target = TRY(NewFile::create(destination, options.replace));
    Conversion conversion{
        source, key.data_offset, target.file(), 0, payload, key, SectorCipher::Direction::Decrypt, options.sparse,
        false};
    TRY(conversion.run(options));
    TRY(target.publish());
    return ImageCryptReport{source.size(), payload};
}

}  // namespace sallyport::volume
