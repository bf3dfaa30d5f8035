#include "agent/cli/cinder_probe.h"

#include <sys/stat.h>

#include <optional>
#include <string_view>
#include <utility>

#include "keymanager/base/uuid.h"

namespace sallyport::cli {
namespace {

using migration::ProbeResult;

constexpr std::string_view Place = "{id}";

}  // namespace

std::optional<std::string> volume_path(const std::vector<std::string>& patterns, const std::string& volume) {
    // An id is somebody's text from a database; only one that is a UUID becomes part of a path.
    if (!is_uuid(volume)) return std::nullopt;
    for (std::string path : patterns) {
        const auto at = path.find(Place);
        if (at != std::string::npos) path.replace(at, Place.size(), volume);
        struct stat facts {};
        if (::stat(path.c_str(), &facts) == 0 && (S_ISBLK(facts.st_mode) || S_ISREG(facts.st_mode))) return path;
    }
    return std::nullopt;
}

Result<ProbeResult> CinderProbe::probe(const std::string& volume, const SecureBytes& key) {
    const auto path = volume_path(paths_, volume);
    if (!path) return ProbeResult::OutOfReach;
    const volume::DevicePath device(*path);
    const volume::VolumeFacts facts = TRY(volumes_->inspect(device));
    switch (facts.content) {
        case volume::Content::Luks: break;
        case volume::Content::Blank: return ProbeResult::NeverUsed;
        case volume::Content::InterruptedFormat:
        case volume::Content::FileSystem:
        case volume::Content::PartitionTable:
        case volume::Content::Signature:
        case volume::Content::DiskImage:
        case volume::Content::UnknownData: return ProbeResult::NoHeader;
    }
    const volume::Passphrase passphrase =
        TRY(volume::Passphrase::from_key(TRY(key.clone()), volume::KeyKind::Symmetric));
    const auto slot = volumes_->test(device, passphrase);
    if (slot) return ProbeResult::Opens;
    if (slot.error().code == Code::WrongKey) return ProbeResult::WrongKey;
    return slot.error();
}

}  // namespace sallyport::cli
