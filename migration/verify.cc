#include "migration/verify.h"

#include <fmt/format.h>

#include <mutex>
#include <span>
#include <unordered_map>
#include <utility>

#include "migration/batches.h"

namespace sallyport::migration {
namespace {

constexpr std::size_t KeysAtATime = 256;

std::string_view problem_of(ProbeResult result) {
    switch (result) {
        case ProbeResult::WrongKey: return "its header does not open with the key";
        case ProbeResult::NoHeader: return "it holds data, but no LUKS header";
        case ProbeResult::Opens:
        case ProbeResult::NeverUsed:
        case ProbeResult::OutOfReach: break;
    }
    return {};
}

}  // namespace

Result<VerifyReport> verify(const Plan& plan, const SecureBytes& key, const VerifyTools& tools) {
    std::unordered_map<std::string, std::string> stored;  // the name that a key was stored under, by id
    for (StoredKey& one : TRY(tools.vault.stored())) stored.emplace(one.id.str(), std::move(one.name));

    VerifyReport report;
    std::vector<const CinderRow*> migrated;
    for (const PlanRow& planned : plan.rows) {
        const CinderRow& row = *planned.row;
        if (planned.state == State::Ignore) continue;
        if (planned.state != State::Done) {
            report.faults.push_back({label_of(row), fmt::format("{}: {}", text_of(planned.state), planned.reason)});
            continue;
        }
        // A snapshot has its volume's key, which is stored under the volume's name.
        const auto found = stored.find(*row.key_id);
        if (found != stored.end() && found->second == key_name(row.kind, row.id)) migrated.push_back(&row);
    }

    std::mutex mutex;
    TRY(in_batches(std::span(migrated), KeysAtATime, tools.jobs,
                   [&](std::span<const CinderRow*> batch) -> Result<void> {
                       std::vector<KeyUse> uses;
                       for (const CinderRow* row : batch) uses.push_back({SecretId(*row->key_id), owner_of(*row)});
                       const auto answers = TRY(tools.vault.confirm(key, uses));
                       const std::lock_guard lock(mutex);
                       for (std::size_t i = 0; i < batch.size(); ++i) {
                           if (answers[i]) {
                               ++report.compared;
                           } else {
                               report.faults.push_back({label_of(*batch[i]), answers[i].error().message});
                           }
                       }
                       return {};
                   }));
    if (tools.probe == nullptr) return report;
    TRY(in_batches(std::span(migrated), 1, tools.jobs, [&](std::span<const CinderRow*> one) -> Result<void> {
        const CinderRow& row = *one.front();
        if (row.kind != Kind::Volume) return {};
        const auto seen = tools.probe->probe(row.id, key);
        const std::string problem(seen ? problem_of(*seen) : std::string_view(seen.error().message));
        const std::lock_guard lock(mutex);
        if (!problem.empty()) report.faults.push_back({label_of(row), problem});
        if (seen && *seen == ProbeResult::Opens) ++report.opened;
        return {};
    }));
    return report;
}

}  // namespace sallyport::migration
