#pragma once

#include <optional>
#include <string>

#include "integrations/volume/header_backup.h"
#include "integrations/volume/ledger.h"
#include "integrations/volume/volume_facts.h"
#include "keymanager/base/result.h"

namespace sallyport::volume {

/// Copies of headers, kept by a key manager or in a file.
///
/// Errors of all: those of read_header_backup and of the ledger; `InvalidInput` for a header inside a disk image.

/// The header of a device, as it is now.
Result<HeaderBackup> header_of(const DevicePath& device);

/// Keeps a copy of the header that is on the device, and notes where the volume was seen.
Result<model::HeaderVersion> keep_header_of(const DevicePath& device, Ledger& ledger, const std::string& reason);

/// The same before something else takes the header's place; nullopt if none is there that is whole. Where the volume
/// was seen is noted only if nobody knows it. Error: `Io` and those of the ledger.
Result<std::optional<model::HeaderVersion>> keep_doomed_header(const DevicePath& device, Ledger& ledger,
                                                               const std::string& reason);

/// A kept header, checked and ready to be put on a device.
Result<HeaderBackup> kept_header(Ledger& ledger, const model::VolumeUuid& uuid, int version);

/// Which volume is, or was, on the device: by its header, else by what the ledger saw there last.
/// Error: `NotFound` if neither knows.
Result<model::VolumeUuid> volume_on(const DevicePath& device, Ledger& ledger);

struct RestoreReport {
    std::string uuid;
    std::optional<int> replaced_version;  ///< what was there before is kept under it
};

/// Puts a header back. What is there is kept first, damaged or not, if there is a ledger.
/// Error: `Refused` unless `force` if the device holds another volume's header, another data offset, or anything else
/// than a LUKS volume; `InvalidInput` if it is smaller than the header; `Conflict` if its header is being changed.
Result<RestoreReport> restore_header(const HeaderBackup& backup, const DevicePath& device, Ledger* ledger, bool force);

/// How a header compares with the newest copy of it.
enum class HeaderHealth {
    Same,
    Changed,  ///< by somebody else, since the copy was made
    NoCopy,
    Damaged,  ///< or gone: nothing is there that opens
    Absent    ///< the device itself is not there
};
std::string_view text_of(HeaderHealth health);

struct HeaderCheck {
    HeaderHealth health = HeaderHealth::NoCopy;
    std::string found{};  ///< what is wrong, for people; empty if nothing is
};
/// Only reads.
HeaderCheck check_header(const model::VolumeRecord& record, const std::optional<model::HeaderVersion>& newest);

}  // namespace sallyport::volume
