#include "migration/apply.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <span>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "migration/batches.h"

namespace sallyport::migration {
namespace {

/// A row that gets a key of its own, with those who have to read it.
struct Unit {
    const CinderRow* row = nullptr;
    std::vector<KeyOwner> readers{};
    SecretId secret{};  ///< empty until it is stored or adopted
    bool is_adopted = false;
};

/// The work of a plan, taken apart: keys to make, volumes whose snapshots lag behind, owners to be let in.
struct Work {
    std::vector<Unit> units;
    std::vector<const CinderRow*> repairs;  ///< snapshots
    std::vector<const CinderRow*> grants;
    long total() const { return static_cast<long>(units.size() + repairs.size() + grants.size()); }
};

Work work_of(const Plan& plan) {
    Work work;
    std::unordered_map<std::string_view, std::size_t> unit_of_volume;
    for (const PlanRow& planned : plan.rows) {
        const CinderRow& row = *planned.row;
        switch (planned.action) {
            case Action::None: break;
            case Action::Migrate:
                if (row.kind == Kind::Volume) unit_of_volume.emplace(row.id, work.units.size());
                work.units.push_back({&row});
                break;
            case Action::Follow: {
                // Whose snapshot it is reads the same key.
                const auto found = unit_of_volume.find(*row.volume);
                if (found == unit_of_volume.end() || row.user == nullptr || row.user->empty()) break;
                Unit& unit = work.units[found->second];
                KeyOwner reader = owner_of(row);
                const bool is_known =
                    reader == owner_of(*unit.row) || std::ranges::find(unit.readers, reader) != unit.readers.end();
                if (!is_known) unit.readers.push_back(std::move(reader));
                break;
            }
            case Action::Repair: work.repairs.push_back(&row); break;
            case Action::Grant: work.grants.push_back(&row); break;
        }
    }
    return work;
}

bool is_passing(Code code) { return code == Code::Unavailable || code == Code::Overloaded; }

/// A batch that fails as a whole for a reason that will come again is taken apart: the rows beside the bad one go on.
bool is_one_rows_fault(const Error& error, std::size_t rows) { return rows > 1 && !is_passing(error.code); }

class Run {
public:
    Run(const Plan& plan, const SecureBytes& key, const ApplyTools& tools, const ApplyOptions& options)
        : key_(key), tools_(tools), options_(options) {
        for (const PlanRow& planned : plan.rows) {
            const CinderRow& row = *planned.row;
            if (row.kind == Kind::Volume) volumes_.emplace(row.id, &row);
        }
    }

    Result<ApplyReport> work_off(Work& work) {
        report_.total = work.total();
        TRY(note({entry(Step::Run, "", {}, std::to_string(report_.total))}));
        auto outcome = all_of(work);
        static_cast<void>(note({entry(Step::End, "", {}, outcome ? end_text() : outcome.error().message)}));
        if (!outcome) return outcome.error();
        return std::move(report_);
    }

private:
    Result<void> all_of(Work& work) {
        TRY(adopt(work.units));
        TRY(side_by_side(std::span(work.units), [this](std::span<Unit> batch) { return migrate(batch); }));
        TRY(side_by_side(std::span(work.repairs), [this](std::span<const CinderRow*> batch) { return repair(batch); }));
        TRY(side_by_side(std::span(work.grants), [this](std::span<const CinderRow*> batch) { return grant(batch); }));
        if (!report_.was_stopped) TRY(remove_orphans());
        return {};
    }

    std::string end_text() const {
        if (report_.was_stopped) return "stopped: the rest is for the next run";
        return report_.failed.empty() ? "done" : fmt::format("{} rows failed", report_.failed.size());
    }

    /// What earlier runs have stored is used, not stored again.
    Result<void> adopt(std::span<Unit> units) {
        std::unordered_map<std::string, SecretId> known;
        for (StoredKey& stored : TRY(patiently([this] { return tools_.vault.stored(); }))) {
            known.emplace(std::move(stored.name), std::move(stored.id));
        }
        if (known.empty()) return {};
        for (Unit& unit : units) {
            const auto found = known.find(key_name(unit.row->kind, unit.row->id));
            if (found == known.end()) continue;
            unit.secret = found->second;
            unit.is_adopted = true;
        }
        return {};
    }

    /// Works in batches side by side, until may_go_on says no.
    template <class T, class F>
    Result<void> side_by_side(std::span<T> all, F&& work) {
        return in_batches(all, options_.batch, options_.jobs, [this, &work](std::span<T> batch) -> Result<void> {
            if (options_.may_go_on && !options_.may_go_on()) {
                const std::lock_guard lock(mutex_);
                report_.was_stopped = true;
                return {};
            }
            TRY(work(batch));
            const std::lock_guard lock(mutex_);
            tried_ += static_cast<long>(batch.size());
            if (options_.progress) options_.progress(tried_, report_.total);
            return {};
        });
    }

    Result<void> migrate(std::span<Unit> batch) {
        TRY(store(batch));
        std::vector<Unit*> good = TRY(confirm(batch));
        if (!tools_.vault.grants_when_stored()) TRY(let_in(good));
        if (tools_.probe != nullptr) look_at_headers(good);
        return link(good);
    }

    Result<void> store(std::span<Unit> batch) {
        std::vector<NewKey> wanted;
        std::vector<Unit*> lacking;
        std::vector<JournalEntry> entries;
        for (Unit& unit : batch) {
            entries.push_back(entry(Step::Intent, label_of(*unit.row), unit.secret));
            if (!unit.secret.empty()) continue;
            wanted.push_back({key_name(unit.row->kind, unit.row->id), owner_of(*unit.row), unit.readers});
            lacking.push_back(&unit);
        }
        TRY(note(entries));
        if (wanted.empty()) return {};
        // Not tried again: of an answer that was lost nobody knows whether it was stored, and twice would be an orphan.
        auto stored = tools_.vault.store(key_, wanted);
        if (!stored && is_passing(stored.error().code)) stored = store_after_failure(wanted, stored.error());
        if (!stored) {
            if (stored.error().code == Code::Forbidden) return stored.error();
            if (is_one_rows_fault(stored.error(), batch.size())) {
                for (Unit& unit : batch) TRY(store(std::span(&unit, 1)));
                return {};
            }
            for (const Unit* unit : lacking) TRY(fail(*unit->row, stored.error()));
            return {};
        }
        std::vector<JournalEntry> made;
        for (std::size_t i = 0; i < lacking.size(); ++i) {
            lacking[i]->secret = (*stored)[i];
            made.push_back(entry(Step::Stored, label_of(*lacking[i]->row), lacking[i]->secret));
        }
        return note(made);
    }

    /// Looks what of a call that failed was stored after all, and stores the rest.
    Result<std::vector<SecretId>> store_after_failure(const std::vector<NewKey>& wanted, Error error) {
        for (int attempt = 1; attempt < options_.tries && is_passing(error.code); ++attempt) {
            pause(attempt);
            auto known = tools_.vault.stored();
            if (!known) {
                error = known.error();
                continue;
            }
            std::unordered_map<std::string, SecretId> ids;
            for (StoredKey& stored : *known) ids.emplace(std::move(stored.name), std::move(stored.id));
            std::vector<NewKey> rest;
            std::ranges::copy_if(wanted, std::back_inserter(rest),
                                 [&ids](const NewKey& one) { return !ids.contains(one.name); });
            auto made =
                rest.empty() ? Result<std::vector<SecretId>>(std::vector<SecretId>()) : tools_.vault.store(key_, rest);
            if (!made) {
                error = made.error();
                continue;
            }
            for (std::size_t i = 0; i < rest.size(); ++i) ids.emplace(rest[i].name, (*made)[i]);
            std::vector<SecretId> all;
            for (const NewKey& one : wanted) all.push_back(ids.at(one.name));
            return all;
        }
        return error;
    }

    static KeyUse use_of(const Unit& unit) { return {unit.secret, owner_of(*unit.row), unit.readers}; }

    /// Those of the batch whose key is what it should be.
    Result<std::vector<Unit*>> confirm(std::span<Unit> batch) {
        std::vector<Unit*> stored;
        std::vector<KeyUse> uses;
        for (Unit& unit : batch) {
            if (unit.secret.empty()) continue;
            stored.push_back(&unit);
            uses.push_back(use_of(unit));
        }
        std::vector<Unit*> good;
        if (uses.empty()) return good;
        const auto answers = patiently([&] { return tools_.vault.confirm(key_, uses); });
        for (std::size_t i = 0; i < stored.size(); ++i) {
            const Result<void> one = answers ? (*answers)[i] : Result<void>(answers.error());
            if (one) {
                good.push_back(stored[i]);
                continue;
            }
            TRY(fail(*stored[i]->row, one.error()));
            // One that holds another key would be adopted by the next run again.
            if (one.error().code == Code::Corrupt && stored[i]->is_adopted)
                TRY(drop(*stored[i]->row, stored[i]->secret));
        }
        return good;
    }

    Result<void> let_in(std::vector<Unit*>& good) {
        std::vector<KeyUse> uses;
        for (const Unit* unit : good) uses.push_back(use_of(*unit));
        if (uses.empty()) return {};
        const auto granted = patiently([&] { return tools_.vault.grant(uses); });
        if (granted) return {};
        if (granted.error().code == Code::Forbidden) return granted.error();
        for (const Unit* unit : good) TRY(fail(*unit->row, granted.error()));
        good.clear();
        return {};
    }

    /// A volume that came into reach since the plan, or was formatted anew.
    void look_at_headers(std::vector<Unit*>& good) {
        const auto stays = [this](const Unit* unit) {
            if (unit->row->kind != Kind::Volume) return true;
            const auto seen = tools_.probe->probe(unit->row->id, key_);
            if (seen && *seen != ProbeResult::WrongKey) return true;
            const Error error =
                seen ? Error{Code::WrongKey, "its header opens with another key than fixed_key", {}} : seen.error();
            static_cast<void>(fail(*unit->row, error));
            static_cast<void>(drop(*unit->row, unit->secret));
            return false;
        };
        std::erase_if(good, [&stays](const Unit* unit) { return !stays(unit); });
    }

    Result<void> link(const std::vector<Unit*>& good) {
        if (good.empty()) return {};
        std::vector<JournalEntry> entries;
        std::vector<Relink> links;
        for (const Unit* unit : good) {
            entries.push_back(entry(Step::Link, label_of(*unit->row), unit->secret));
            links.push_back({unit->row->kind, unit->row->id, unit->secret.str(), *unit->row->key_id});
        }
        TRY(note(entries));
        const auto made = patiently([&] { return relink(tools_.cinder, links, tools_.clock.now()); });
        if (!made) {
            if (is_one_rows_fault(made.error(), good.size())) {
                for (Unit* unit : good) TRY(link({unit}));
                return {};
            }
            for (const Unit* unit : good) TRY(fail(*unit->row, made.error()));
            return {};
        }
        std::vector<JournalEntry> ended;
        for (std::size_t i = 0; i < good.size(); ++i) {
            const Unit& unit = *good[i];
            if ((*made)[i].outcome != RelinkOutcome::Done) {
                TRY(drop(*unit.row, unit.secret));
                continue;
            }
            ended.push_back(entry(Step::Done, label_of(*unit.row), unit.secret));
            const std::lock_guard lock(mutex_);
            ++report_.migrated;
            if (unit.is_adopted) ++report_.adopted;
            report_.snapshots += (*made)[i].snapshots;
        }
        return note(ended);
    }

    /// Snapshots with the zero id whose volumes have ids of their own. If the volume's key is the fixed key, they get
    /// its id; if it is another one (the volume was rekeyed since, say), they get keys of their own.
    Result<void> repair(std::span<const CinderRow*> snapshots) {
        std::vector<KeyUse> uses;
        for (const CinderRow* snapshot : snapshots) {
            const CinderRow& volume = *volumes_.at(*snapshot->volume);
            uses.push_back({SecretId(*volume.key_id), owner_of(volume)});
        }
        const auto answers = patiently([&] { return tools_.vault.confirm(key_, uses); });
        std::vector<const CinderRow*> same;
        std::vector<Unit> apart;
        for (std::size_t i = 0; i < snapshots.size(); ++i) {
            const Result<void> one = answers ? (*answers)[i] : Result<void>(answers.error());
            if (one) {
                same.push_back(snapshots[i]);
            } else if (one.error().code == Code::Corrupt) {
                apart.push_back({snapshots[i]});
            } else {
                TRY(fail(*snapshots[i], one.error()));
            }
        }
        if (!apart.empty()) TRY(migrate(apart));
        return same.empty() ? Result<void>() : follow(same);
    }

    /// Sets snapshots to the ids of their volumes.
    Result<void> follow(const std::vector<const CinderRow*>& snapshots) {
        std::vector<Relink> links;
        std::vector<JournalEntry> entries;
        for (const CinderRow* snapshot : snapshots) {
            const CinderRow& volume = *volumes_.at(*snapshot->volume);
            links.push_back({Kind::Snapshot, snapshot->id, *volume.key_id});
            entries.push_back(entry(Step::Link, label_of(*snapshot), SecretId(*volume.key_id)));
        }
        TRY(note(entries));
        const auto made = patiently([&] { return relink(tools_.cinder, links, tools_.clock.now()); });
        if (!made) {
            for (const CinderRow* snapshot : snapshots) TRY(fail(*snapshot, made.error()));
            return {};
        }
        std::vector<JournalEntry> ended;
        for (std::size_t i = 0; i < links.size(); ++i) {
            if ((*made)[i].outcome != RelinkOutcome::Done) continue;
            ended.push_back(entry(Step::Done, label_of(*snapshots[i]), SecretId(links[i].key_id)));
            const std::lock_guard lock(mutex_);
            ++report_.repaired;
        }
        return note(ended);
    }

    Result<void> grant(std::span<const CinderRow*> rows) {
        std::vector<KeyUse> uses;
        for (const CinderRow* row : rows) uses.push_back({SecretId(*row->key_id), owner_of(*row)});
        const auto granted = patiently([&] { return tools_.vault.grant(uses); });
        if (!granted && granted.error().code == Code::Forbidden) return granted.error();
        if (!granted) {
            for (const CinderRow* row : rows) TRY(fail(*row, granted.error()));
            return {};
        }
        std::vector<JournalEntry> ended;
        for (const CinderRow* row : rows)
            ended.push_back(entry(Step::Done, label_of(*row), SecretId(*row->key_id), "granted"));
        const std::lock_guard lock(mutex_);
        report_.granted += static_cast<long>(rows.size());
        return note(ended);
    }

    /// Keys of dead runs that nothing refers to: stored for a row that has another id, for certain and for good (ids
    /// change from zero only). A row that is still zero keeps its key for the next run; one that is not there says
    /// nothing.
    Result<void> remove_orphans() {
        const auto stored = TRY(patiently([this] { return tools_.vault.stored(); }));
        if (stored.empty()) return {};
        const Catalog now = TRY(read_catalog(tools_.cinder));
        std::unordered_map<std::string, const CinderRow*> rows;
        std::unordered_set<std::string_view> in_use;
        for (const auto* list : {&now.volumes, &now.snapshots, &now.backups}) {
            for (const CinderRow& row : *list) {
                rows.emplace(key_name(row.kind, row.id), &row);
                if (row.key_id != nullptr) in_use.insert(*row.key_id);
            }
        }
        std::unordered_map<std::string, std::string_view> by_name;
        for (const StoredKey& key : stored) by_name.emplace(key.name, key.id.str());
        std::unordered_map<std::string, SecretId> first_of_zero_row;
        for (const StoredKey& key : stored) {
            const auto found = rows.find(key.name);
            if (found == rows.end() || in_use.contains(key.id.str())) continue;
            const CinderRow& row = *found->second;
            // A rekey that has not ended takes the old key's slots away with it.
            const auto successor = by_name.find(successor_name(row.kind, row.id));
            if (successor != by_name.end() && row.key_id != nullptr && successor->second == *row.key_id) continue;
            // Two keys for a row that is still zero: the first one serves the next run.
            const bool waits = !row.deleted && row.has_zero_key() && first_of_zero_row.emplace(key.name, key.id).second;
            if (waits) continue;
            TRY(drop(row, key.id));
            ++report_.orphans;
            --report_.dropped;
        }
        return {};
    }

    Result<void> drop(const CinderRow& row, const SecretId& secret) {
        TRY(patiently([&] { return tools_.vault.remove(secret); }));
        TRY(note({entry(Step::Dropped, label_of(row), secret)}));
        const std::lock_guard lock(mutex_);
        ++report_.dropped;
        return {};
    }

    Result<void> fail(const CinderRow& row, const Error& error) {
        TRY(note({entry(Step::Failed, label_of(row), {}, error.message)}));
        const std::lock_guard lock(mutex_);
        report_.failed.emplace(label_of(row), error.message);
        return {};
    }

    JournalEntry entry(Step step, std::string row, const SecretId& secret, std::string note = {}) const {
        return {tools_.clock.now(), step, std::move(row), secret.str(), std::move(note)};
    }
    Result<void> note(const std::vector<JournalEntry>& entries) {
        return entries.empty() ? Result<void>() : tools_.journal.append(entries);
    }

    /// A call that may be made again, until it does not fail for a passing reason any more.
    template <class F>
    auto patiently(F&& call) -> std::invoke_result_t<F> {
        auto outcome = call();
        for (int attempt = 1; attempt < options_.tries && !outcome && is_passing(outcome.error().code); ++attempt) {
            pause(attempt);
            outcome = call();
        }
        return outcome;
    }

    void pause(int attempt) const {
        const std::chrono::milliseconds time(100 << std::min(attempt, 8));
        if (options_.sleep) {
            options_.sleep(time);
        } else {
            std::this_thread::sleep_for(time);
        }
    }

    const SecureBytes& key_;
    const ApplyTools& tools_;
    const ApplyOptions& options_;
    std::unordered_map<std::string, const CinderRow*> volumes_{};  ///< for the repair of their snapshots
    std::mutex mutex_{};                                           ///< of what follows
    ApplyReport report_{};
    long tried_ = 0;
};

}  // namespace

Result<ApplyReport> apply(const Plan& plan, const SecureBytes& key, const ApplyTools& tools,
                          const ApplyOptions& options) {
    Work work = work_of(plan);
    return Run(plan, key, tools, options).work_off(work);
}

}  // namespace sallyport::migration
