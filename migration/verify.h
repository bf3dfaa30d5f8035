#pragma once

#include <string>
#include <vector>

#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"
#include "migration/key_vault.h"
#include "migration/plan.h"
#include "migration/volume_probe.h"

namespace sallyport::migration {

struct VerifyReport {
    struct Fault {
        std::string row;  ///< "volume ID"
        std::string what;
    };
    long compared = 0;  ///< keys that were read back and are the fixed key
    long opened = 0;    ///< volumes in reach whose header opens with it
    std::vector<Fault> faults{};
};

struct VerifyTools {
    KeyVault& vault;
    VolumeProbe* probe = nullptr;
    int jobs = 16;
};

/// Looks at what a migration has left. Everything that is neither done nor to be ignored is a fault; of a row whose key
/// a migration has stored, the key is read back as its owner and compared, and the header tried, if the volume is in
/// reach. Changes nothing. Error: of the key manager.
Result<VerifyReport> verify(const Plan& plan, const SecureBytes& key, const VerifyTools& tools);

}  // namespace sallyport::migration
