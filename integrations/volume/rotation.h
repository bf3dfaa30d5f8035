#pragma once

#include <string_view>

#include "keymanager/base/result.h"

namespace sallyport::volume {

/// The order of a key rotation, apart from all that it moves: what comes next is decided by what a look shows, and by
/// nothing else, so that a rotation that was killed anywhere goes on where it stands, with its journal or without.
///
/// What holds at every moment, whatever fails (tests/unit/integrations/volume/rotation_test.cc tries all of it): the
/// header opens with the secret that the record names; or the header was torn, and the newest copy of it does.

/// Which secret the key manager's record of the volume names.
enum class RecordedKey {
    NotKept,   ///< there is no key manager in this
    Unknown,   ///< it has no record of the volume
    Old,       ///< the old one
    OldToNew,  ///< the old one, and that the new one is on its way
    Switched,  ///< the new one, and that the rotation is not finished
    New        ///< the new one
};

/// What a look at the device and at the key manager shows.
struct RotationSight {
    bool old_opens = false;  ///< a key slot of the header that is on the device
    bool new_opens = false;
    RecordedKey record = RecordedKey::NotKept;
    bool copy_is_current = true;    ///< the newest copy in the key manager is the header; true if none are kept
    bool has_older_copies = false;  ///< there are others than the newest
    friend bool operator==(const RotationSight&, const RotationSight&) = default;
};

enum class RotationStep {
    RecordIntent,   ///< record: old, and new is on its way
    KeepCopy,       ///< the header as it is becomes the newest copy
    AddNew,         ///< a key slot for the new key
    SwitchRecord,   ///< record: new, not finished
    RemoveOld,      ///< the old key's slots
    DropOldCopies,  ///< copies that the old key opens would be a way round the rotation
    FinishRecord,   ///< record: new
    Done
};
std::string_view text_of(RotationStep step);  ///< "keep_copy", ...

/// What is to be done next. Error: `WrongKey` if neither key opens the header.
Result<RotationStep> next_step(const RotationSight& sight);

/// What a rotation works on.
class RotationSite {
public:
    virtual ~RotationSite() = default;
    /// Reads everything anew, from the device and not from a cache.
    virtual Result<RotationSight> look() = 0;
    /// Durable when it returns.
    virtual Result<void> perform(RotationStep step) = 0;
};

/// Does what is to be done until nothing is, or until `end` comes next. Each step is verified by the look after it: one
/// that was reported done and changed nothing is `Io`.
Result<void> carry_out_rotation(RotationSite& site, RotationStep end = RotationStep::Done);

}  // namespace sallyport::volume
