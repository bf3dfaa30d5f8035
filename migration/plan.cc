#include "migration/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "keymanager/base/uuid.h"

namespace sallyport::migration {
namespace {

constexpr std::string_view Deleted = "deleted";
constexpr std::string_view NotEncrypted = "not encrypted";
constexpr std::string_view OddId = "its key id is none that Cinder writes";
constexpr std::string_view NoKeyId = "it has no key id, though its type is encrypted: was its creation ended?";
constexpr std::string_view PreQueensBackup =
    "no key id: made before Queens, its key id is in the backup itself; restoring it brings the zero id back";
constexpr std::string_view OrphanBackup =
    "no key id, and its volume is not known: whether it is encrypted stands in the backup itself";
constexpr std::string_view NoUser = "the row names no user: nobody could be let at the key";
constexpr std::string_view NoProject = "the row names no project: nobody could own the key";
constexpr std::string_view OddOwner = "the row's user or project holds characters that no name has";
constexpr std::string_view ForeignHeader = "its header opens with another key than fixed_key";
constexpr std::string_view LostHeader = "it holds data, but no LUKS header: the header is lost, or it never was LUKS";
constexpr std::string_view PlainDmCrypt = "plain dm-crypt: there is no header that could be looked at";
constexpr std::string_view Untouched = "never written: it will be formatted with the key";
constexpr std::string_view MissingKey = "the key manager does not know its key";
constexpr std::string_view LostButOpens =
    "the key manager does not know its key, but fixed_key opens its header: apply --relink-lost stores that for it";
constexpr std::string_view OwnKeyAgain = "its key is lost; fixed_key opens its header and is stored for it";
constexpr std::string_view HalfLost = "its volume's key is lost: it gets a key of its own";
constexpr std::string_view RefusedKey = "its owner may not read its key";
constexpr std::string_view NotAsked = "the key manager was not asked about its key";
constexpr std::string_view StoredBefore = "a run that died has stored its key";
constexpr std::string_view HalfDone = "its volume has a key of its own: a migration died in between";
constexpr std::string_view WithVolume = "set with its volume";
constexpr std::string_view VolumeStays = "its volume is not migrated";
constexpr std::string_view VolumeWithoutKey = "zero id, though its volume has none that counts";
constexpr std::string_view AnotherKey = "another key than its volume's: it is left as it is";
constexpr std::string_view VolumeGone = "its volume is gone: it gets a key of its own";

bool is_set(Text text) { return text != nullptr && !text->empty(); }

/// What neither a header nor a log line would take.
bool is_odd(std::string_view name) {
    return std::ranges::any_of(name, [](unsigned char c) { return c < ' ' || c == 0x7f; });
}

/// Why nobody can own the key of this row; nothing if somebody can.
std::optional<std::string_view> owner_problem(const CinderRow& row) {
    if (!is_set(row.project)) return NoProject;
    if (!is_set(row.user)) return NoUser;
    if (is_odd(*row.user) || is_odd(*row.project)) return OddOwner;
    return std::nullopt;
}

/// os-brick's word for it, and the class names of before: dm-crypt without a header.
bool is_plain(const CinderRow& row) {
    return row.provider != nullptr && (*row.provider == "plain" || row.provider->ends_with(".CryptsetupEncryptor"));
}

PlanRow with(const CinderRow& row, State state, Action action, std::string_view reason = {}) {
    return {&row, state, action, false, reason};
}
PlanRow for_a_human(const CinderRow& row, State state, std::string_view reason) {
    return {&row, state, Action::None, true, reason};
}

class Planner {
public:
    Planner(const Catalog& catalog, const PlanFacts& facts, const PlanOptions& options)
        : catalog_(catalog), facts_(facts), options_(options) {}

    Plan make() {
        Plan plan;
        plan.keys_were_checked = facts_.keys_were_asked;
        plan.rows.reserve(catalog_.volumes.size() + catalog_.snapshots.size() + catalog_.backups.size());
        // Every volume is judged, also those of other hosts: snapshots ask about theirs.
        volumes_.reserve(catalog_.volumes.size());
        for (const CinderRow& row : catalog_.volumes) {
            const PlanRow judged = volume(row);
            volumes_.emplace(row.id, judged);
            if (is_on_host(row, options_.host)) plan.rows.push_back(judged);
        }
        for (const CinderRow& row : catalog_.snapshots) {
            if (is_on_host(row, options_.host)) plan.rows.push_back(snapshot(row));
        }
        for (const CinderRow& row : catalog_.backups) {
            if (is_on_host(row, options_.host)) plan.rows.push_back(backup(row));
        }
        count(plan);
        return plan;
    }

private:
    /// A row with the zero id that gets a key of its own.
    PlanRow migrate(const CinderRow& row, State state, std::string_view reason) const {
        if (const auto problem = owner_problem(row)) return for_a_human(row, state, *problem);
        if (row.has_zero_key() && facts_.stored.contains(key_name(row.kind, row.id))) {
            return with(row, State::Stored, Action::Migrate, StoredBefore);
        }
        return with(row, state, Action::Migrate, reason);
    }

    PlanRow with_own_key(const CinderRow& row) const {
        const auto known = facts_.keys.find(*row.key_id);
        if (known == facts_.keys.end()) return with(row, State::Done, Action::None, NotAsked);
        switch (known->second) {
            case KeyState::Readable: return with(row, State::Done, Action::None);
            case KeyState::Missing: return lost(row);
            case KeyState::Refused: break;
        }
        if (const auto problem = owner_problem(row)) return for_a_human(row, State::NoAccess, *problem);
        return with(row, State::NoAccess, Action::Grant, RefusedKey);
    }

    PlanRow lost(const CinderRow& row) const {
        const auto header = row.kind == Kind::Volume ? facts_.headers.find(row.id) : facts_.headers.end();
        if (header == facts_.headers.end() || header->second != ProbeResult::Opens) {
            return for_a_human(row, State::Lost, MissingKey);
        }
        if (!options_.relink_lost) return for_a_human(row, State::Lost, LostButOpens);
        return migrate(row, State::Lost, OwnKeyAgain);
    }

    PlanRow volume(const CinderRow& row) const {
        if (row.deleted) return with(row, State::Ignore, Action::None, Deleted);
        if (row.key_id == nullptr && row.provider == nullptr)
            return with(row, State::Ignore, Action::None, NotEncrypted);
        if (row.key_id == nullptr) return for_a_human(row, State::Unknown, NoKeyId);
        if (row.has_zero_key()) return zero_volume(row);
        if (!is_key_id(*row.key_id)) return for_a_human(row, State::Unknown, OddId);
        return with_own_key(row);
    }

    PlanRow zero_volume(const CinderRow& row) const {
        const auto header = facts_.headers.find(row.id);
        if (header == facts_.headers.end()) return migrate(row, State::Old, {});
        switch (header->second) {
            case ProbeResult::WrongKey: return for_a_human(row, State::Foreign, ForeignHeader);
            case ProbeResult::NeverUsed: return migrate(row, State::NeverUsed, Untouched);
            case ProbeResult::NoHeader:
                if (is_plain(row)) return migrate(row, State::Old, PlainDmCrypt);
                return for_a_human(row, State::Suspect, LostHeader);
            case ProbeResult::Opens:
            case ProbeResult::OutOfReach: break;
        }
        return migrate(row, State::Old, {});
    }

    /// The volume of a snapshot, as it was judged; nullptr if there is none any more.
    const PlanRow* living_volume(const CinderRow& row) const {
        const auto found = row.volume == nullptr ? volumes_.end() : volumes_.find(*row.volume);
        return found == volumes_.end() || found->second.row->deleted ? nullptr : &found->second;
    }

    PlanRow snapshot(const CinderRow& row) const {
        if (row.deleted) return with(row, State::Ignore, Action::None, Deleted);
        const PlanRow* volume = living_volume(row);
        if (row.key_id == nullptr && row.provider == nullptr)
            return with(row, State::Ignore, Action::None, NotEncrypted);
        if (row.key_id == nullptr) return for_a_human(row, State::Unknown, NoKeyId);
        if (row.has_zero_key())
            return volume == nullptr ? migrate(row, State::Old, VolumeGone) : zero_snapshot(row, *volume);
        if (!is_key_id(*row.key_id)) return for_a_human(row, State::Unknown, OddId);
        const auto own = facts_.stored.find(key_name(row.kind, row.id));
        if (own != facts_.stored.end() && own->second.str() == *row.key_id) return with_own_key(row);
        if (volume != nullptr && (volume->row->key_id == nullptr || *volume->row->key_id != *row.key_id)) {
            return for_a_human(row, State::Unknown, AnotherKey);
        }
        return with_own_key(row);
    }

    PlanRow zero_snapshot(const CinderRow& row, const PlanRow& volume) const {
        if (volume.row->has_zero_key()) {
            if (volume.action == Action::Migrate) return with(row, volume.state, Action::Follow, WithVolume);
            return for_a_human(row, volume.state, VolumeStays);
        }
        switch (volume.state) {
            case State::Done:
            case State::NoAccess: return with(row, State::Half, Action::Repair, HalfDone);
            case State::Lost: return migrate(row, State::Half, HalfLost);
            case State::Old:
            case State::Stored:
            case State::Half:
            case State::Foreign:
            case State::NeverUsed:
            case State::Suspect:
            case State::Unknown:
            case State::Ignore: break;
        }
        return for_a_human(row, State::Unknown, VolumeWithoutKey);
    }

    PlanRow backup(const CinderRow& row) const {
        if (row.deleted) return with(row, State::Ignore, Action::None, Deleted);
        if (row.key_id == nullptr) {
            const bool volume_is_known = row.volume != nullptr && volumes_.contains(*row.volume);
            if (!volume_is_known) return for_a_human(row, State::Unknown, OrphanBackup);
            if (row.provider == nullptr) return with(row, State::Ignore, Action::None, NotEncrypted);
            return for_a_human(row, State::Unknown, PreQueensBackup);
        }
        if (row.has_zero_key()) return migrate(row, State::Old, {});
        if (!is_key_id(*row.key_id)) return for_a_human(row, State::Unknown, OddId);
        return with_own_key(row);
    }

    static void count(Plan& plan) {
        for (const Kind kind : {Kind::Volume, Kind::Snapshot, Kind::Backup}) {
            for (const State state : AllStates) plan.counts[kind][state] = 0;
        }
        for (const PlanRow& row : plan.rows) {
            ++plan.counts[row.row->kind][row.state];
            if (row.needs_human) ++plan.need_human;
            if (row.action == Action::Migrate && row.state != State::Stored) ++plan.to_store;
        }
    }

    const Catalog& catalog_;
    const PlanFacts& facts_;
    const PlanOptions& options_;
    std::unordered_map<std::string_view, PlanRow> volumes_{};
};

}  // namespace

std::string_view text_of(State state) {
    switch (state) {
        case State::Old: return "OLD";
        case State::Stored: return "STORED";
        case State::Half: return "HALF";
        case State::Done: return "DONE";
        case State::Foreign: return "FOREIGN";
        case State::NeverUsed: return "NEVER-USED";
        case State::Suspect: return "SUSPECT";
        case State::Lost: return "LOST";
        case State::NoAccess: return "NO-ACCESS";
        case State::Unknown: return "UNKNOWN";
        case State::Ignore: break;
    }
    return "IGNORE";
}

std::string_view text_of(Action action) {
    switch (action) {
        case Action::None: return "";
        case Action::Migrate: return "migrate";
        case Action::Follow: return "follow";
        case Action::Repair: return "repair";
        case Action::Grant: break;
    }
    return "grant";
}

long Plan::count(State state) const {
    long all = 0;
    for (const auto& [kind, states] : counts) {
        if (const auto found = states.find(state); found != states.end()) all += found->second;
    }
    return all;
}

Plan make_plan(const Catalog& catalog, const PlanFacts& facts, const PlanOptions& options) {
    return Planner(catalog, facts, options).make();
}

std::string key_name(Kind kind, std::string_view id) {
    return fmt::format("{}{} {}", KeyNamePrefix, text_of(kind), id);
}

std::string successor_name(Kind kind, std::string_view id) { return key_name(kind, id) + " successor"; }

bool is_key_id(std::string_view text) {
    return is_uuid(text) && std::ranges::none_of(text, [](char c) { return c >= 'A' && c <= 'F'; });
}

bool is_on_host(const CinderRow& row, std::string_view host) {
    if (host.empty()) return true;
    if (row.host == nullptr) return false;
    std::string_view name = *row.host;
    if (!name.starts_with(host)) return false;
    name.remove_prefix(host.size());
    const bool is_bare = host.find('@') == std::string_view::npos;
    return name.empty() || name.front() == '#' || (is_bare && name.front() == '@');
}

KeyOwner owner_of(const CinderRow& row) {
    return {UserId(row.user == nullptr ? "" : *row.user), ProjectId(row.project == nullptr ? "" : *row.project)};
}

}  // namespace sallyport::migration
