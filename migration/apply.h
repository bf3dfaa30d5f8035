#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "keymanager/base/clock.h"
#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"
#include "keymanager/db/database.h"
#include "migration/journal.h"
#include "migration/key_vault.h"
#include "migration/plan.h"
#include "migration/volume_probe.h"

namespace sallyport::migration {

struct ApplyOptions {
    int jobs = 16;           ///< batches at a time
    std::size_t batch = 64;  ///< rows that share a flush of the journal, a call of the key manager and a transaction
    int tries = 6;           ///< of a call that fails for a passing reason; waits 0.2 s, then twice as long each time
    std::function<void(std::chrono::milliseconds)> sleep{};  ///< tests shorten it; empty: really sleeps
    std::function<bool()> may_go_on{};  ///< asked before each batch; false: ends after those under way
    std::function<void(long done, long total)> progress{};  ///< called by the workers, one at a time
};

/// What `apply` needs outside. All outlive the call.
struct ApplyTools {
    db::Database& cinder;
    KeyVault& vault;
    Journal& journal;
    VolumeProbe* probe = nullptr;  ///< looks at each volume in reach before its id is set; nullptr: none is
    const Clock& clock;
};

/// What came of a run. Rows are "volume ID", "backup ID", "snapshot ID".
struct ApplyReport {
    long total = 0;      ///< rows that were to be done
    long migrated = 0;   ///< have an id of their own now
    long adopted = 0;    ///< of those: under a key that an earlier run had stored
    long snapshots = 0;  ///< were set with their volumes
    long repaired = 0;   ///< snapshots with the zero id that were set to the ids that their volumes have
    long granted = 0;    ///< owners that may read their key now
    long dropped = 0;    ///< keys removed again, since somebody else was quicker or the row is gone
    long orphans = 0;    ///< keys of earlier runs removed, which nothing refers to
    std::map<std::string, std::string> failed{};  ///< by row: why; nothing of it was changed
    bool was_stopped = false;                     ///< by may_go_on: the rest is for the next run
};

/// Does what the plan says, in batches side by side. For every row, each step durable before the next:
/// journal → key stored (or adopted) under the row's name → read back and compared → owner and readers let at it →
/// journal → ids of the volume and all its snapshots set in one transaction, where they are still zero → journal.
/// Killed anywhere it is run again: what is stored is found by its name. Afterwards keys of dead runs that nothing
/// refers to are removed, if their row has another id for certain.
///
/// A row that fails is reported, and the rest goes on. Error: `Forbidden` by the key manager (no row can go on), or
/// what stopped all (a journal that cannot be written); what is done by then stays done, and is right.
Result<ApplyReport> apply(const Plan& plan, const SecureBytes& key, const ApplyTools& tools,
                          const ApplyOptions& options);

}  // namespace sallyport::migration
