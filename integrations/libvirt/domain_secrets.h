#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "integrations/libvirt/hypervisor.h"
#include "keymanager/base/result.h"

namespace sallyport::libvirt {

/// A secret without which a domain does not start: one of its disks is a LUKS volume that QEMU opens.
struct DiskSecret {
    std::string disk;      ///< the disk's target, "vda"
    SecretUuid uuid;       ///< how the XML asks for it: by uuid ...
    VolumeId usage;        ///< ... or by usage; exactly one of the two is not empty
    std::string serial;    ///< of the disk: Nova puts the volume's id there; may be empty
    std::string device{};  ///< the image or block device that is encrypted; empty if it is no path (RBD, say)

    /// The volume, as far as the XML tells: the usage, else the serial.
    VolumeId volume() const { return usage.empty() ? VolumeId(serial) : usage; }
};

/// The passphrases that the disks of a domain need, in the order of the disks, each once; those of backing images and
/// of mirrors among them. Secrets for other things (Ceph's authentication, a vTPM) are not in it.
/// Pure function; the XML may come from anybody (see xml::parse for its limits).
/// Error: `InvalidInput`, `TooLarge`.
Result<std::vector<DiskSecret>> domain_secrets(std::string_view domain_xml);

}  // namespace sallyport::libvirt
