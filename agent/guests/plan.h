#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "integrations/libvirt/hypervisor.h"
#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"

namespace sallyport::guests {

using Moment = std::chrono::steady_clock::time_point;

/// A volume whose passphrase a domain of this host needs.
struct Need {
    libvirt::VolumeId volume;
    std::optional<libvirt::SecretUuid> uuid;  ///< by which the domain asks for it; nothing: it asks by volume
    std::string domain;
    std::string disk;    ///< "vda"
    std::string device;  ///< the image or block device; empty if it is no path
};

/// What a domain's XML asks for. A disk that names its secret by uuid and tells no volume is taken to mean the volume
/// of that id, as libvirt::SecretPlacement gives a secret its uuid. Pure. Error: as libvirt::domain_secrets.
Result<std::vector<Need>> needs_of(const std::string& domain, std::string_view xml);

/// What is remembered of a volume between two looks; in memory alone.
struct Note {
    std::optional<SecretId> placed;      ///< the key whose passphrase we put, on the connection that is open
    std::vector<SecretId> choice{};      ///< the keys among which `placed` was chosen
    std::vector<SecretId> refused{};     ///< keys of which none opened the disk: not tried again without a new one
    bool seen_in_use = false;            ///< a running domain needed it
    bool is_somebody_elses = false;      ///< looks like ours, but no key of the volume is known here: not ours to drop
    std::optional<Moment> kept_until{};  ///< not dropped before, needed or not: it was put for what is to come
};
using Notes = std::map<libvirt::VolumeId, Note>;

struct Plan {
    std::vector<Need> put;                        ///< not there, under another uuid, or of unknown value
    std::vector<Need> keep;                       ///< there as it should be
    std::vector<Need> foreign;                    ///< served by a secret that is not ours
    std::vector<libvirt::VolumeId> drop;          ///< ours, and nobody needs it any more
    std::vector<libvirt::VolumeId> keep_a_while;  ///< ours; nobody needs it yet
    std::vector<libvirt::VolumeSecret> left;      ///< not ours, and nobody needs it
};

/// What to do, given the needs of all running domains (of several for one volume the first counts) and all secrets.
/// Updates the notes: who is in use, and until when what nobody needs is kept. Secrets that nobody is known to have
/// asked for are given `patience` from when they are first seen. Pure, but for the notes.
Plan make_plan(std::vector<Need> needs, const std::vector<libvirt::VolumeSecret>& held, Notes& notes, Moment now,
               std::chrono::seconds patience);

}  // namespace sallyport::guests
