#include "integrations/volume/rotation.h"

#include <optional>
#include <string>

namespace sallyport::volume {
namespace {

bool names_old_and_new(RecordedKey record) {
    switch (record) {
        case RecordedKey::NotKept:
        case RecordedKey::OldToNew: return true;
        case RecordedKey::Unknown:
        case RecordedKey::Old:
        case RecordedKey::Switched:
        case RecordedKey::New: return false;
    }
    return false;
}

bool names_new(RecordedKey record) {
    switch (record) {
        case RecordedKey::NotKept:
        case RecordedKey::Switched:
        case RecordedKey::New: return true;
        case RecordedKey::Unknown:
        case RecordedKey::Old:
        case RecordedKey::OldToNew: return false;
    }
    return false;
}

}  // namespace

std::string_view text_of(RotationStep step) {
    switch (step) {
        case RotationStep::RecordIntent: return "record_intent";
        case RotationStep::KeepCopy: return "keep_copy";
        case RotationStep::AddNew: return "add_new";
        case RotationStep::SwitchRecord: return "switch_record";
        case RotationStep::RemoveOld: return "remove_old";
        case RotationStep::DropOldCopies: return "drop_old_copies";
        case RotationStep::FinishRecord: return "finish_record";
        case RotationStep::Done: return "done";
    }
    return {};
}

Result<RotationStep> next_step(const RotationSight& sight) {
    if (!sight.old_opens && !sight.new_opens)
        return Error{Code::WrongKey, "neither the old key nor the new one opens a key slot", {}};
    if (!sight.new_opens) {
        // The record names the old key here, also where it named the new one: somebody has put an old header back.
        if (!names_old_and_new(sight.record)) return RotationStep::RecordIntent;
        if (!sight.copy_is_current) return RotationStep::KeepCopy;
        return RotationStep::AddNew;
    }
    // Seen to open on the device itself: from here on the new key is the one to be relied on.
    if (!names_new(sight.record)) return RotationStep::SwitchRecord;
    if (!sight.copy_is_current) return RotationStep::KeepCopy;
    if (sight.old_opens) return RotationStep::RemoveOld;
    if (sight.has_older_copies) return RotationStep::DropOldCopies;
    if (sight.record == RecordedKey::Switched) return RotationStep::FinishRecord;
    return RotationStep::Done;
}

Result<void> carry_out_rotation(RotationSite& site, RotationStep end) {
    std::optional<RotationSight> before;
    RotationStep last = RotationStep::Done;
    for (;;) {
        const RotationSight sight = TRY(site.look());
        if (before && *before == sight) {
            return Error{Code::Io,
                         "step " + std::string(text_of(last)) +
                             " was reported done, but changed nothing: the device loses what is written to it",
                         {}};
        }
        const RotationStep step = TRY(next_step(sight));
        if (step == RotationStep::Done || step == end) return {};
        TRY(site.perform(step));
        before = sight;
        last = step;
    }
}

}  // namespace sallyport::volume
