#include "migration/facts.h"

#include <mutex>
#include <span>
#include <unordered_set>
#include <utility>
#include <vector>

#include "migration/batches.h"

namespace sallyport::migration {
namespace {

constexpr std::size_t KeysAtATime = 256;

/// Every key once, for the first row that has it: that of the volume before those of its snapshots.
std::vector<KeyUse> keys_of(const Catalog& catalog) {
    std::vector<KeyUse> uses;
    std::unordered_set<std::string_view> seen;
    for (const auto* rows : {&catalog.volumes, &catalog.snapshots, &catalog.backups}) {
        for (const CinderRow& row : *rows) {
            if (row.deleted || row.key_id == nullptr || !is_key_id(*row.key_id) || row.has_zero_key()) continue;
            if (row.user == nullptr || row.user->empty() || row.project == nullptr || row.project->empty()) continue;
            if (seen.insert(*row.key_id).second) uses.push_back({SecretId(*row.key_id), owner_of(row)});
        }
    }
    return uses;
}

Result<void> ask_about_keys(PlanFacts& facts, const Catalog& catalog, KeyVault& vault, int jobs) {
    const std::vector<KeyUse> uses = keys_of(catalog);
    std::mutex mutex;
    return in_batches(std::span(uses), KeysAtATime, jobs, [&](std::span<const KeyUse> batch) -> Result<void> {
        const std::vector<KeyState> states = TRY(vault.look(batch));
        const std::lock_guard lock(mutex);
        for (std::size_t i = 0; i < batch.size(); ++i) facts.keys.emplace(batch[i].id.str(), states[i]);
        return {};
    });
}

void look_at_headers(PlanFacts& facts, const Catalog& catalog, VolumeProbe& probe, const SecureBytes& key,
                     const FactSources& sources, const PlanOptions& options) {
    std::vector<const CinderRow*> rows;
    for (const CinderRow& row : catalog.volumes) {
        const auto known = row.key_id == nullptr ? facts.keys.end() : facts.keys.find(*row.key_id);
        const bool is_lost = known != facts.keys.end() && known->second == KeyState::Missing;
        if (!row.deleted && (row.has_zero_key() || is_lost) && is_on_host(row, options.host)) rows.push_back(&row);
    }
    std::mutex mutex;
    static_cast<void>(
        in_batches(std::span(rows), 1, sources.jobs, [&](std::span<const CinderRow*> one) -> Result<void> {
            const auto seen = probe.probe(one.front()->id, key);
            const std::lock_guard lock(mutex);
            facts.headers.emplace(one.front()->id, seen ? *seen : ProbeResult::OutOfReach);
            return {};
        }));
}

}  // namespace

Result<PlanFacts> gather_facts(const Catalog& catalog, const FactSources& sources, const PlanOptions& options) {
    PlanFacts facts;
    if (sources.vault != nullptr) {
        for (StoredKey& stored : TRY(sources.vault->stored())) {
            facts.stored.emplace(std::move(stored.name), std::move(stored.id));
        }
        TRY(ask_about_keys(facts, catalog, *sources.vault, sources.jobs));
        facts.keys_were_asked = true;
    }
    if (sources.probe != nullptr && sources.key != nullptr) {
        look_at_headers(facts, catalog, *sources.probe, *sources.key, sources, options);
    }
    return facts;
}

}  // namespace sallyport::migration
