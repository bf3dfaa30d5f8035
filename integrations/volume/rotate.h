#pragma once

#include <functional>
#include <string>
#include <vector>

#include "integrations/volume/ledger.h"
#include "integrations/volume/passphrase.h"
#include "integrations/volume/rotation.h"
#include "integrations/volume/volume_encryptor.h"
#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"

namespace sallyport::volume {

struct RotateOptions {
    /// Without a key manager: none, and the ids mean nothing.
    Ledger* ledger = nullptr;
    SecretId old_secret{};
    SecretId new_secret{};
    bool keep_copies = true;  ///< of the header, before it is changed
    bool keep_old = false;    ///< ends while both keys open: for whoever has somebody else to tell of the new one first
    LuksLimits limits{};
};

struct RotateReport {
    std::string uuid;
    std::vector<int> key_slots;      ///< that the new key opens
    std::vector<RotationStep> done;  ///< empty: it was finished before
};

/// Gives a volume the new key in the place of the old one; the volume may be open and in use meanwhile. Killed or
/// failed anywhere, the same call finishes it. Which key slot is whose is found out by trying: others' slots stay.
///
/// A new key of 256 random bits gets a slot that costs nothing to open, another one Argon2id (UnlockProfile).
/// Error: `WrongKey` if neither key opens; `InvalidInput` if they are the same; `Conflict` if no key slot is free, the
/// header is being changed, or the record names a third secret; `Io`.
Result<RotateReport> rotate_key(const DevicePath& device, const Passphrase& old_key, const Passphrase& new_key,
                                const RotateOptions& options);

}  // namespace sallyport::volume
