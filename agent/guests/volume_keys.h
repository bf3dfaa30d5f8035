#pragma once

#include <optional>
#include <string>
#include <vector>

#include "integrations/libvirt/hypervisor.h"
#include "integrations/volume/passphrase.h"
#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/core/caller.h"

namespace sallyport::guests {

/// Which keys open a volume. Thread-safe; calls block. Each is done with the caller's own rights: a key that he may not
/// know of is not known.
class VolumeKeys {
public:
    virtual ~VolumeKeys() = default;

    /// Those that may open it, the likeliest first; empty if none is known. `device` may be empty.
    virtual Result<std::vector<SecretId>> known(const core::Caller& caller, const libvirt::VolumeId& volume,
                                                const std::string& device) = 0;
    /// What a key makes, for the hypervisor.
    virtual Result<volume::Passphrase> passphrase(const core::Caller& caller, const SecretId& key) = 0;
    /// Whether it opens what is on the device; nothing if that cannot be told: no LUKS header there, no such file, a
    /// header that asks for too much. May take seconds, if the header was made dear.
    virtual std::optional<bool> opens(const std::string& device, const volume::Passphrase& passphrase) = 0;

    /// Notes a key as the volume's own, for every agent on this key manager and for the time after a restart. In place
    /// of another one that was noted so.
    virtual Result<void> remember(const core::Caller& caller, const libvirt::VolumeId& volume, const SecretId& key) = 0;
    /// Takes such notes back. What others (Cinder) have noted stays.
    virtual Result<void> forget(const core::Caller& caller, const libvirt::VolumeId& volume) = 0;
};

}  // namespace sallyport::guests
