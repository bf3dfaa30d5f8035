#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "keymanager/base/clock.h"
#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"

namespace sallyport::model {

using VolumeUuid = Id<struct VolumeUuidTag>;  ///< what a LUKS header calls its volume

/// A change of a volume that takes several steps, and is under way.
enum class VolumeChange {
    None,
    Rotation,      ///< from VolumeRecord::secret to VolumeRecord::next_secret
    Reencryption,  ///< its data gets another volume key; the record's secret opens it before and after
    Erasure        ///< nothing of it is promised to be there any more
};
std::string_view text_of(VolumeChange change);  ///< "none", "rotation", "reencryption", "erasure"
/// Error: `InvalidInput`.
Result<VolumeChange> volume_change_from(std::string_view text);

/// What the key manager knows of an encrypted volume.
struct VolumeRecord {
    VolumeUuid uuid;
    ProjectId project;                      ///< whose it is
    std::optional<SecretId> secret{};       ///< opens it; nothing if only its header is kept
    std::optional<SecretId> next_secret{};  ///< while a rotation is under way: what will
    VolumeChange change = VolumeChange::None;
    std::string host{};    ///< where it was seen last
    std::string device{};  ///< its path there
    std::string note{};    ///< what the change under way has to remember: JSON, no secret
    Timestamp created{};
    Timestamp updated{};
};

/// A copy of a volume's header that the key manager keeps; versions of a volume count from 1.
struct HeaderVersion {
    VolumeUuid uuid;
    int version = 0;
    std::string digest;  ///< SHA-256 of the copy, in hexadecimal
    std::string reason;  ///< why it was made: "rotate", "restore", "request"
    std::string host;
    std::string device;
    std::int64_t size = 0;  ///< bytes of the copy
    Timestamp created{};
};

}  // namespace sallyport::model
