#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "integrations/volume/file.h"
#include "integrations/volume/volume_facts.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/result.h"

namespace sallyport::volume {

/// What of a LUKS header has to be kept so that it can be put back: the metadata and the key slots in use. The rest of
/// the header's area is noise, some 16 MiB for LUKS2; this is 260 KiB for a slot of a 512-bit key.
struct HeaderBackup {
    struct Extent {
        std::uint64_t offset = 0;
        Bytes bytes{};
    };
    LuksFacts facts;
    std::vector<Extent> extents;  ///< by offset, apart from each other
};

/// The header of a device or of a file that `cryptsetup luksHeaderBackup` made; `name` is for messages.
/// Error: `InvalidInput` if there is none; `Corrupt` if it is damaged or cut off; `Io`.
Result<HeaderBackup> read_header_backup(const ByteSource& source, const std::string& name);

/// The same as one string of bytes, and back. Error: `Corrupt`.
Bytes packed(const HeaderBackup& backup);
Result<HeaderBackup> unpacked(std::span<const std::byte> bytes, const std::string& name);
/// SHA-256 of packed(), in hexadecimal: what tells two headers apart.
Result<std::string> digest_of(const HeaderBackup& backup);

/// What lies now where the extents of `backup` would be put, whatever it is.
Result<HeaderBackup> what_it_replaces(const HeaderBackup& backup, const ByteSource& device);

/// Puts it on a device, flushed, and reads it back. The metadata comes last and the first block at the very end, so
/// that a header that was put half-way does not look whole. Error: `Io` also if the device does not hold it afterwards.
Result<void> put_header(const HeaderBackup& backup, File& device);

/// A new file (mode 0600) that `cryptsetup luksHeaderRestore` takes. Error: `Refused` if it exists; `Io`.
Result<void> write_header_file(const HeaderBackup& backup, const std::string& path);

}  // namespace sallyport::volume
