#pragma once

#include <map>
#include <string>

#include "keymanager/base/clock.h"
#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/db/database.h"
#include "migration/journal.h"
#include "migration/key_vault.h"
#include "migration/plan.h"

namespace sallyport::migration {

/// What changes the headers of volumes, with keys that it fetches by itself. Each call may be made again after a crash.
class KeyRotator {
public:
    virtual ~KeyRotator() = default;

    /// False: the volume cannot be written from here.
    virtual bool reaches(const std::string& volume) = 0;
    /// A new random key for the owner, under this name.
    virtual Result<SecretId> make_key(const std::string& name, const KeyOwner& owner) = 0;
    /// From then on both keys open the header.
    virtual Result<void> add(const std::string& volume, const KeyOwner& owner, const SecretId& old_key,
                             const SecretId& new_key) = 0;
    /// The old key opens it no longer.
    virtual Result<void> remove_old(const std::string& volume, const KeyOwner& owner, const SecretId& old_key,
                                    const SecretId& new_key) = 0;
};

struct RekeyTools {
    db::Database& cinder;
    KeyVault& vault;
    KeyRotator& rotator;
    Journal& journal;
    const Clock& clock;
};

struct RekeyReport {
    long rekeyed = 0;
    long out_of_reach = 0;                        ///< migrated volumes that cannot be written from here
    long kept_for_snapshots = 0;                  ///< old keys that stay: snapshots hold a copy of the old header
    std::map<std::string, std::string> failed{};  ///< by row: why; it opens with the id that it has
};

/// Gives each migrated volume of the plan that is in reach a key of its own in the place of the fixed key: new key made
/// → into the header beside the old one → the row's id → the old one out of the header → the old secret removed, unless
/// a snapshot needs it. At every moment the id of the row is that of a key which opens the header; killed anywhere it
/// is called again. Snapshots keep their id: the header in them is of before. The plan is one made after apply.
Result<RekeyReport> rekey(const Plan& plan, const RekeyTools& tools);

}  // namespace sallyport::migration
