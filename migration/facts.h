#pragma once

#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"
#include "migration/key_vault.h"
#include "migration/plan.h"
#include "migration/volume_probe.h"

namespace sallyport::migration {

/// Where a plan's facts come from. What is nullptr is not asked.
struct FactSources {
    KeyVault* vault = nullptr;
    VolumeProbe* probe = nullptr;
    const SecureBytes* key = nullptr;  ///< for the probe
    int jobs = 16;
};

/// Asks the key manager about every key id that a row names, and for the keys that earlier runs stored; looks at the
/// header of every volume in reach that has the zero id, or one that the key manager does not know. Changes nothing.
/// Error: of the key manager; a header that cannot be looked at is out of reach.
Result<PlanFacts> gather_facts(const Catalog& catalog, const FactSources& sources, const PlanOptions& options = {});

}  // namespace sallyport::migration
