#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "integrations/volume/file.h"
#include "integrations/volume/volume_facts.h"
#include "keymanager/base/result.h"

namespace sallyport::volume {

/// How much of each end of a device must be zero before it counts as empty.
inline constexpr std::uint64_t EmptyEnds = 32 * 1024 * 1024;

/// What the first 4096 bytes hold while `format` writes: whoever finds it knows that the device was given up to be
/// formatted and that nothing but an unfinished header is on it.
std::string_view format_marker();

/// Everything that can be said of a device without a key: our marker, LUKS headers (both copies), what libblkid knows
/// (file systems, partition tables, LVM, RAID, swap), disk images, and data that nobody knows.
/// Error: `Io` if a part cannot be read: such a device is never called empty. `Corrupt` for damaged LUKS headers.
Result<VolumeFacts> probe(const File& file);

/// Where the first byte that is not zero lies, looking at the first and last 32 MiB. Skips holes of sparse files.
Result<std::optional<std::uint64_t>> first_data(const File& file);

}  // namespace sallyport::volume
