#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "keymanager/base/clock.h"
#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/db/database.h"
#include "keymanager/db/kek_repository.h"
#include "keymanager/store/secret_store.h"

namespace sallyport::core {

/// The care of master keys and project KEKs while the agent serves: count, rewrap, rotate.
///
/// Everything goes page by page: a call looks at `limit` rows after `after`, changes those that need it in one
/// transaction, and says where the next page begins. The database itself knows what is done, so whoever drives the
/// pages may be killed at any point and begin again; and at any moment every payload can be read, since a row is
/// replaced as a whole, by what was opened and compared before, and only if it is still what was looked at.
///
/// Thread-safe. Blocks: use it from a lane. It asks no policy: its door lets administrators of the node in alone.
class KekCare {
public:
    /// All outlive this.
    KekCare(db::Database& database, store::SecretStore& store, const Clock& clock)
        : database_(database), store_(store), clock_(clock) {}

    struct Census {
        std::vector<std::uint64_t> openers;  ///< for each of master_keys() in the store: how many KEKs need it
        std::uint64_t total = 0;
        std::uint64_t retired = 0;          ///< among them: those that only open
        std::uint64_t unreadable = 0;       ///< no master key opens them
        std::vector<KekId> unreadable_ids;  ///< the first few of those
        std::optional<KekId> next;          ///< none: that was the last page
    };
    Result<Census> count(const KekId& after, int limit);
    /// Which master key the canary is under.
    Result<std::optional<std::size_t>> canary_key();

    struct Rewrapped {
        std::uint64_t examined = 0;
        std::uint64_t changed = 0;
        std::uint64_t unreadable = 0;  ///< left as they are
        std::optional<std::string> next;
    };
    /// Wraps project KEKs under the first master key. Error: `Internal` if a new wrapping does not open to what was
    /// wrapped: nothing of the page is changed then.
    Result<Rewrapped> rewrap_keks(const KekId& after, int limit);
    /// The same for the canary, so that an old master key may go. True if it was changed.
    Result<bool> rewrap_canary();

    /// A new KEK for a project: it wraps what is stored from now on, the others of the project only open.
    /// Error: `NotFound` if the project has none.
    Result<KekId> rotate(const ProjectId& project);
    /// The projects that have KEKs, in pages.
    Result<std::vector<ProjectId>> projects(const ProjectId& after, int limit);
    /// Encrypts payloads under retired KEKs anew, each under its project's active one.
    Result<Rewrapped> rewrap_payloads(const db::PayloadId& after, int limit);

private:
    Result<bool> rewrap_payload(db::Session& session, const db::RetiredPayload& payload);

    db::Database& database_;
    store::SecretStore& store_;
    const Clock& clock_;
};

}  // namespace sallyport::core
