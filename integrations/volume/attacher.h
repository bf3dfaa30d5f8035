#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "integrations/volume/attachment_records.h"
#include "integrations/volume/volume_encryptor.h"
#include "keymanager/base/result.h"

namespace sallyport::volume {

/// What a node knows of a volume that it attaches: Cinder's connection_info, in our words.
struct AttachRequest {
    DevicePath path;                    ///< `device_path`: a device, or a link to one
    std::optional<MappingName> name{};  ///< none: `crypt-` and the path's last part, as os-brick calls it
    std::string multipath_id{};         ///< the WWN of a multipath device: older mappings are called so; may be empty
    bool replace_link = false;          ///< `path` is a link, and is to point to the mapping (what os-brick does)
    OpenOptions open{};
    /// Set if the caller's own records say that the volume was never initialised: a device that is proved blank is then
    /// formatted. A device that holds anything is not, whatever the records say.
    std::optional<FormatOptions> first_use{};
};

struct Attachment {
    Mapping mapping;
    std::string link{};      ///< that points to the mapping
    bool adopted = false;    ///< it was mapped already: by an agent before this one, by os-brick, by an earlier try
    bool formatted = false;  ///< by this call
};

/// Attaches volumes as os-brick's LuksEncryptor does, under the same names, and undoes all of it: a link that was
/// replaced is put right again, and what a killed process left half-done is cleaned up.
///
/// Thread-safe (one attach or detach at a time on a machine). Blocks: use it from a lane.
class Attacher {
public:
    /// `volumes` must outlive this. `records`: the folder of this node's records.
    Attacher(VolumeEncryptor& volumes, std::filesystem::path records)
        : volumes_(volumes), records_(std::move(records)) {}

    /// Asked for the passphrase only after the header was read: a device without one costs no key.
    using PassphraseSource = std::function<Result<Passphrase>()>;

    /// Maps the volume and, if asked, points the link to the mapping. A volume that is mapped already under one of the
    /// names that os-brick uses is adopted, if the passphrase opens it. After an error nothing is left behind.
    /// Error: those of VolumeEncryptor; `Refused` for a device that is not blank on first use or whose header is
    /// damaged, with the command that restores it; `Conflict` if the device is a path of a multipath device (which it
    /// names), or the mapping is of another volume.
    Result<Attachment> attach(const AttachRequest& request, const PassphraseSource& passphrase);

    /// Removes the mapping, then puts the link right. Of a half-done attach whatever there is.
    /// Error: `Conflict` with those who hold it; `NotFound` if there is neither a mapping nor a record.
    Result<void> detach(const MappingName& name);

    /// All dm-crypt mappings of this machine, with their links.
    Result<std::vector<Attachment>> list() const;

    /// To be called when the agent starts: adopts what is mapped and complete, and undoes what is not: attaches that
    /// were killed half-way, links of mappings that are gone.
    Result<void> recover();

private:
    struct Target;
    Result<Target> target_of(const AttachRequest& request, const std::vector<Mapping>& mappings) const;
    Result<std::optional<Mapping>> mapped_already(const AttachRequest& request, const Target& target) const;
    Result<Attachment> adopt(const AttachRequest& request, const Target& target, Mapping mapping,
                             const PassphraseSource& passphrase);
    Result<bool> make_ready(const AttachRequest& request, const Target& target, const PassphraseSource& passphrase,
                            std::optional<Passphrase>& key);
    Result<void> undo(const AttachmentRecord& record);

    VolumeEncryptor& volumes_;
    AttachmentRecords records_;
};

/// The name under which os-brick maps the volume at `path`: "crypt-ip-10.0.0.5:3260-iscsi-…-lun-1".
MappingName os_brick_name(const DevicePath& path);

}  // namespace sallyport::volume
