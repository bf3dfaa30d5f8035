#include "migration/rekey.h"

#include <span>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace sallyport::migration {
namespace {

class Rekeying {
public:
    explicit Rekeying(const RekeyTools& tools) : tools_(tools) {}

    Result<RekeyReport> all_of(const Plan& plan) {
        for (StoredKey& key : TRY(tools_.vault.stored())) stored_.emplace(std::move(key.name), std::move(key.id));
        for (const PlanRow& planned : plan.rows) {
            const CinderRow& row = *planned.row;
            if (row.kind == Kind::Snapshot && !row.deleted && row.key_id != nullptr) of_snapshots_.insert(*row.key_id);
        }
        for (const PlanRow& planned : plan.rows) {
            const CinderRow& row = *planned.row;
            if (row.kind != Kind::Volume || planned.state != State::Done || !is_migrated(row)) continue;
            if (!tools_.rotator.reaches(row.id)) {
                ++report_.out_of_reach;
                continue;
            }
            const auto outcome = one(row);
            if (outcome) {
                ++report_.rekeyed;
                continue;
            }
            TRY(note(Step::Failed, row, {}, outcome.error().message));
            report_.failed.emplace(label_of(row), outcome.error().message);
        }
        return std::move(report_);
    }

private:
    /// Its id is that of the key that apply stored for it, or already that of the key's successor.
    bool is_migrated(const CinderRow& row) const {
        const auto old_key = stored_.find(key_name(row.kind, row.id));
        if (old_key == stored_.end()) return false;
        if (old_key->second.str() == *row.key_id) return true;
        const auto successor = stored_.find(successor_name(row.kind, row.id));
        return successor != stored_.end() && successor->second.str() == *row.key_id;
    }

    Result<void> one(const CinderRow& row) {
        const SecretId old_key = stored_.at(key_name(row.kind, row.id));
        const KeyOwner owner = owner_of(row);
        const std::string name = successor_name(row.kind, row.id);
        auto new_key = stored_.find(name);
        if (new_key == stored_.end()) {
            TRY(note(Step::Intent, row, {}, "rekey"));
            new_key = stored_.emplace(name, TRY(tools_.rotator.make_key(name, owner))).first;
            TRY(note(Step::Stored, row, new_key->second, "rekey"));
        }
        TRY(tools_.rotator.add(row.id, owner, old_key, new_key->second));
        TRY(note(Step::Link, row, new_key->second, "rekey"));
        const auto made = TRY(relink(
            tools_.cinder, {{Kind::Volume, row.id, new_key->second.str(), old_key.str(), false}}, tools_.clock.now()));
        if (made.front().outcome != RelinkOutcome::Done) {
            return Error{Code::Conflict, "the row has another id by now: its header opens with both keys", {}};
        }
        TRY(tools_.rotator.remove_old(row.id, owner, old_key, new_key->second));
        if (of_snapshots_.contains(old_key.str())) {
            ++report_.kept_for_snapshots;
        } else {
            TRY(tools_.vault.remove(old_key));
        }
        return note(Step::Done, row, new_key->second, "rekey");
    }

    Result<void> note(Step step, const CinderRow& row, const SecretId& key, std::string text) {
        const JournalEntry entry{tools_.clock.now(), step, label_of(row), key.str(), std::move(text)};
        return tools_.journal.append(std::span(&entry, 1));
    }

    const RekeyTools& tools_;
    std::unordered_map<std::string, SecretId> stored_{};
    std::unordered_set<std::string> of_snapshots_{};
    RekeyReport report_{};
};

}  // namespace

Result<RekeyReport> rekey(const Plan& plan, const RekeyTools& tools) { return Rekeying(tools).all_of(plan); }

}  // namespace sallyport::migration
