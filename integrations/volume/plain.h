#pragma once

#include "integrations/volume/luks_device.h"
#include "integrations/volume/passphrase.h"
#include "integrations/volume/volume_encryptor.h"
#include "keymanager/base/result.h"

namespace sallyport::volume {

/// The key of a plain dm-crypt volume, as cryptsetup derives it from a passphrase: the passphrase's hash, and for a
/// longer key the hash of the passphrase behind as many letters "A" as the hash's turn ("A" + passphrase the second
/// time). There is no header that would say whether it is the right one.
/// Error: `InvalidInput` for a hash that is not known, or a key size that no cipher takes.
Result<VolumeKey> plain_volume_key(const Passphrase& passphrase, const PlainOptions& options);

/// A plain volume looks like noise. Whatever is known on the device would be read as such, and destroyed by a write.
/// Error: `Refused`, naming it; `Io`.
Result<void> must_hold_nothing_known(const File& file);

}  // namespace sallyport::volume
