#pragma once

#include "integrations/volume/ledger.h"
#include "integrations/volume/passphrase.h"
#include "integrations/volume/rotate.h"
#include "integrations/volume/volume_encryptor.h"
#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"

namespace sallyport::volume {

struct CloneOptions {
    Ledger& ledger;
    SecretId source_secret{};
    SecretId own_secret{};
    model::VolumeUuid uuid{};  ///< what the clone is to be called in its LUKS header
    bool keep_copies = true;
    bool force = false;  ///< also where the ledger saw the source itself last
    LuksLimits limits{};
};

/// Makes a volume of its own of a clone, which has everything of its source, byte for byte: a uuid of its own, then a
/// key of its own in the place of the source's (rotate_key). What it shares with the source still is the volume key, so
/// that the source's header opens the clone's data: reencrypt_volume ends that.
/// Killed or failed anywhere, the same call finishes it. The volume must not be in use.
///
/// Error: those of rotate_key; `Refused` where the source was seen last; `Conflict` if it is in use.
Result<RotateReport> rekey_clone(const DevicePath& device, const Passphrase& source_key, const Passphrase& own_key,
                                 const CloneOptions& options);

}  // namespace sallyport::volume
