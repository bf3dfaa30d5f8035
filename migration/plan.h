#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "keymanager/base/ids.h"
#include "keymanager/base/result.h"
#include "keymanager/base/secure_bytes.h"
#include "migration/cinder_catalog.h"
#include "migration/key_vault.h"
#include "migration/volume_probe.h"

namespace sallyport::migration {

/// How a row stands on its way from the all-zeros key.
enum class State {
    Old,        ///< zero id: to be migrated
    Stored,     ///< zero id, and a run that died has stored its key: to be adopted
    Half,       ///< a snapshot with the zero id whose volume has its own: to be set to that
    Done,       ///< an id of its own
    Foreign,    ///< zero id, but the volume's header opens with another key: never touched
    NeverUsed,  ///< zero id on a volume that was never written: to be migrated, it will be formatted with the key
    Suspect,    ///< zero id, and data without a header: a lost header, or plain dm-crypt
    Lost,       ///< an id that the key manager does not know
    NoAccess,   ///< an id that the row's owner may not read: to be granted
    Unknown,    ///< nobody can tell from the row: no id although the type is encrypted, or an id that is none
    Ignore      ///< deleted, or not encrypted
};
inline constexpr std::array AllStates{State::Old,      State::Stored,    State::Half,    State::Done,
                                      State::Foreign,  State::NeverUsed, State::Suspect, State::Lost,
                                      State::NoAccess, State::Unknown,   State::Ignore};
/// "OLD", "NEVER-USED", "NO-ACCESS".
std::string_view text_of(State state);

/// What `apply` would do with a row.
enum class Action {
    None,
    Migrate,  ///< store the key (or adopt what is stored) and set the id, of a volume with its snapshots
    Follow,   ///< a snapshot: set with its volume
    Repair,   ///< a snapshot: set to the id of its volume, which is migrated
    Grant     ///< let the owner read its key
};
/// "migrate", "follow", "repair", "grant"; empty for None.
std::string_view text_of(Action action);

struct PlanRow {
    const CinderRow* row = nullptr;
    State state = State::Ignore;
    Action action = Action::None;
    bool needs_human = false;
    std::string_view reason{};  ///< why, in words; of static storage
};

struct PlanOptions {
    /// Only rows of this host: "node1@lvm" means its pools ("node1@lvm#pool") too, "node1" its backends. Compared as it
    /// is written: no wildcards, unlike Cinder's own. Empty: all, those without a host among them.
    std::string host{};
    /// Volumes whose key is lost get fixed_key again, where their header proves that it opens them.
    bool relink_lost = false;
};

/// What is known beside the database.
struct PlanFacts {
    std::unordered_map<std::string, SecretId> stored{};  ///< by key name (key_name): what earlier runs left
    bool keys_were_asked = false;                        ///< the key manager was
    std::unordered_map<std::string, KeyState> keys{};    ///< by key id; those that are not in it were not asked about
    std::unordered_map<std::string, ProbeResult> headers{};  ///< by volume id; those not in it were not looked at
};

struct Plan {
    std::vector<PlanRow> rows;                       ///< volumes, snapshots, backups, in the order of the catalog
    std::map<Kind, std::map<State, long>> counts{};  ///< all states, zeros too
    long to_store = 0;                               ///< secrets that apply would make
    long need_human = 0;
    bool keys_were_checked = false;  ///< with the key manager

    long count(State state) const;  ///< of all kinds
};

/// Decides about every row. A pure function of its arguments; the plan points into the catalog.
Plan make_plan(const Catalog& catalog, const PlanFacts& facts, const PlanOptions& options = {});

/// The name that a row's key is stored under: "sallyport fixed-key volume ID".
std::string key_name(Kind kind, std::string_view id);

/// The name of the key that took the place of that one: "sallyport fixed-key volume ID successor".
std::string successor_name(Kind kind, std::string_view id);

/// True for what Cinder writes into encryption_key_id: a UUID in lower case with hyphens.
bool is_key_id(std::string_view text);

/// See PlanOptions::host.
bool is_on_host(const CinderRow& row, std::string_view host);

/// Who the key of a row is for. Nothing is known of a row without user or project: such rows need a human.
KeyOwner owner_of(const CinderRow& row);

}  // namespace sallyport::migration
