#include "keymanager/model/volume.h"

namespace sallyport::model {

std::string_view text_of(VolumeChange change) {
    switch (change) {
        case VolumeChange::None: return "none";
        case VolumeChange::Rotation: return "rotation";
        case VolumeChange::Reencryption: return "reencryption";
        case VolumeChange::Erasure: return "erasure";
    }
    return {};
}

Result<VolumeChange> volume_change_from(std::string_view text) {
    for (const VolumeChange change :
         {VolumeChange::None, VolumeChange::Rotation, VolumeChange::Reencryption, VolumeChange::Erasure}) {
        if (text == text_of(change)) return change;
    }
    return Error{Code::InvalidInput, "no change of a volume is called '" + std::string(text) + "'", {}};
}

}  // namespace sallyport::model
