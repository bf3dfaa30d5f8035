#pragma once

#include <optional>
#include <string>
#include <vector>

#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::libvirt {

using VolumeId = Id<struct VolumeIdTag>;      ///< the volume that a secret opens: the secret's usage in libvirt
using SecretUuid = Id<struct SecretUuidTag>;  ///< the name under which a domain's XML asks for a secret

/// A secret of usage "volume" that the hypervisor holds; its value is not readable.
struct VolumeSecret {
    SecretUuid uuid;
    VolumeId volume;
    bool is_ephemeral = false;  ///< false: libvirt keeps the value in clear base64 under /etc/libvirt/secrets
    bool is_private = false;    ///< false: whoever may talk to libvirtd may read the value

    /// Ours are ephemeral and private. Any other was made by somebody else, by Nova say.
    bool is_ours() const { return is_ephemeral && is_private; }
};

/// What to do about a volume's secret that is not ours.
enum class ForeignSecret {
    Refuse,  ///< leave it and say so
    Replace  ///< undefine it (which removes its file) and go on
};

struct SecretPlacement {
    VolumeId volume;
    /// Absent: that of the volume's present secret; else the volume's own id if it is a UUID, so that a volume's
    /// secret has the same uuid on every host and live migration needs no other XML; else libvirt's choice.
    std::optional<SecretUuid> uuid = std::nullopt;
    ForeignSecret if_foreign = ForeignSecret::Refuse;
};

/// The secrets of one hypervisor, through which its guests' encrypted disks are opened.
///
/// Thread-safe. Calls block (a round trip to a daemon each): use them from a lane.
/// Errors beside those named: `Unavailable` if the hypervisor cannot be reached.
class Hypervisor {
public:
    virtual ~Hypervisor() = default;

    /// After this the volume has exactly one secret, ephemeral and private, whose value is `passphrase`, whatever was
    /// there before; one of ours under another uuid is replaced. Running guests do not notice. Yields its uuid.
    /// Error: `InvalidInput` for ids that libvirt cannot hold or an empty passphrase, `Refused` for a foreign secret,
    /// `Conflict` if the uuid belongs to another volume's secret.
    virtual Result<SecretUuid> put_secret(const SecretPlacement& placement, const SecureBytes& passphrase) = 0;

    /// Forgets the volume's secret; false if there was none. Error: `Refused` for a foreign secret.
    virtual Result<bool> drop_secret(const VolumeId& volume, ForeignSecret if_foreign) = 0;

    virtual Result<std::vector<VolumeSecret>> list_secrets() = 0;

    /// The XML of a domain, named by its name or UUID: as it runs, or as it would start. Error: `NotFound`.
    virtual Result<std::string> domain_xml(const std::string& domain) = 0;
};

}  // namespace sallyport::libvirt
