#pragma once

#include <chrono>
#include <functional>
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

/// A domain that runs, is paused, or is being received from another host.
struct RunningDomain {
    std::string name;
    std::string xml;
};

enum class HypervisorChange {
    Domains,    ///< one was defined, started, ended, came or went by migration, got or lost a device
    Connection  ///< it has ended, or a new one is open: what is known of the hypervisor may be out of date
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

    /// While a domain is being started this waits for it, and with it for the domain's hook: whatever a hook waits for
    /// must not wait for this, nor for domain_xml().
    virtual Result<std::vector<RunningDomain>> running_domains() = 0;

    /// Whether it takes calls, or does within that time. False while libvirtd is starting: it serves nobody before all
    /// domains with autostart were started, and their hooks with them.
    virtual bool answers(std::chrono::milliseconds within) = 0;

    /// Starts a domain that is to start with the hypervisor (autostart) and does not run; false if it is none such.
    /// Runs its hook. Error: `NotFound`; `Internal` with the hypervisor's reason.
    virtual Result<bool> start_if_autostart(const std::string& domain) = 0;

    /// From now on calls `changed`, on a thread that must not be kept waiting and must not call back; nullptr: no more,
    /// and none is under way when this returns. To be called before any other function. Opens no connection itself.
    virtual void watch(std::function<void(HypervisorChange)> changed) = 0;
};

}  // namespace sallyport::libvirt
