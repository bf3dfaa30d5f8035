#pragma once

#include <optional>

#include "integrations/volume/file.h"
#include "integrations/volume/volume_facts.h"
#include "keymanager/base/result.h"

namespace sallyport::volume {

/// The LUKS header of a device, read without libcryptsetup: that one mends a damaged copy while it reads, and inspect
/// must not write. Both copies of LUKS2 are checked (LUKS2 On-Disk Format Specification 1.1.1, section 2) and the newer
/// good one is believed; LUKS1 after its On-Disk Format Specification 1.2.3.
///
/// nullopt: there is no LUKS header. Error: `Corrupt` with what is wrong in each copy when there are headers but none
/// is usable; `Io`. Made for hostile bytes: sizes, offsets and JSON are checked before they are used.
Result<std::optional<LuksFacts>> read_luks_header(const ByteSource& source);

/// Writes the good copy of a LUKS2 header over the other one, as the specification has it repaired (section 2.6), in
/// `image`: a copy of the header in memory, never the device. `facts` are those of the same bytes.
Result<void> mend_luks2_header(File& image, const LuksFacts& facts);

/// Takes a header whose `reencryption_is_over` to its end, as libcryptsetup would have: the old volume key's slots are
/// overwritten, and the header says no more than what is true of any other volume. May be killed at any point and done
/// again. Error: `Corrupt` if it is not over; `Io`.
Result<void> finish_luks2_reencryption(File& file, const LuksFacts& facts);

/// Where the secondary LUKS2 header may lie (specification, section 2.2); it depends on the header's size.
inline constexpr std::uint64_t SecondaryHeaderOffsets[] = {0x4000,  0x8000,   0x10000,  0x20000, 0x40000,
                                                           0x80000, 0x100000, 0x200000, 0x400000};

}  // namespace sallyport::volume
