#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "integrations/libvirt/hypervisor.h"
#include "keymanager/base/result.h"

namespace sallyport::libvirt {

/// What libvirt is told to define: ephemeral and private, for a volume. Without a uuid libvirt picks one.
/// Error: `InvalidInput` if a volume's id is empty, over 255 bytes or holds other than visible ASCII, or if the uuid
/// is none.
Result<std::string> secret_definition(const VolumeId& volume, const std::optional<SecretUuid>& uuid);

/// Reads libvirt's description of a secret; nothing if it is of another usage than "volume". Error: `InvalidInput`.
Result<std::optional<VolumeSecret>> read_secret_description(std::string_view xml);

}  // namespace sallyport::libvirt
