#include "agent/cli/migrate_print.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <vector>

#include "agent/cli/output.h"
#include "keymanager/base/clock.h"
#include "migration/messages.h"

namespace sallyport::cli {
namespace {

namespace json = boost::json;
using migration::CinderRow;
using migration::Kind;
using migration::Plan;
using migration::PlanRow;

json::value or_null(migration::Text text) { return text == nullptr ? json::value(nullptr) : json::value(*text); }
json::value or_null(std::string_view text) { return text.empty() ? json::value(nullptr) : json::value(text); }

json::object to_json(const std::map<std::string, std::string>& failures) {
    json::object by_row;
    for (const auto& [row, why] : failures) by_row[row] = why;
    return by_row;
}

json::object to_json(const PlanRow& planned) {
    const CinderRow& row = *planned.row;
    return {{"type", text_of(row.kind)},          {"id", row.id},
            {"state", text_of(planned.state)},    {"action", or_null(text_of(planned.action))},
            {"needs_human", planned.needs_human}, {"reason", or_null(planned.reason)},
            {"host", or_null(row.host)},          {"status", or_null(row.status)},
            {"user_id", or_null(row.user)},       {"project_id", or_null(row.project)},
            {"volume_id", or_null(row.volume)},   {"encryption_key_id", or_null(row.key_id)}};
}

json::object counts_of(const Plan& plan) {
    json::object counts;
    for (const auto& [kind, states] : plan.counts) {
        json::object of_kind;
        for (const auto& [state, count] : states) of_kind[text_of(state)] = count;
        counts[fmt::format("{}s", text_of(kind))] = std::move(of_kind);
    }
    json::object all;
    for (const migration::State state : migration::AllStates) all[text_of(state)] = plan.count(state);
    counts["all"] = std::move(all);
    return counts;
}

json::object head_of(const migration::Catalog& catalog, const Plan& plan) {
    return {{"cinder_revision", catalog.revision},
            {"counts", counts_of(plan)},
            {"secrets_to_store", plan.to_store},
            {"need_human", plan.need_human},
            {"key_manager_asked", plan.keys_were_checked}};
}

/// The head's members, then the objects one by one.
void stream_json(const migration::Catalog& catalog, const Plan& plan) {
    std::cout << "{\n";
    for (const auto& member : head_of(catalog, plan)) {
        std::cout << "  " << json::serialize(json::value(member.key())) << ": " << json::serialize(member.value())
                  << ",\n";
    }
    std::cout << "  \"objects\": [";
    const char* separator = "\n    ";
    for (const PlanRow& row : plan.rows) {
        std::cout << separator << json::serialize(to_json(row));
        separator = ",\n    ";
    }
    std::cout << "\n  ]\n}\n";
}

Result<void> print_counts(CliContext& context, const Plan& plan) {
    std::vector<Record> rows;
    for (const migration::State state : migration::AllStates) {
        if (plan.count(state) == 0) continue;
        const auto of = [&plan, state](Kind kind) { return plan.counts.at(kind).at(state); };
        rows.push_back({{"state", text_of(state)},
                        {"volumes", of(Kind::Volume)},
                        {"snapshots", of(Kind::Snapshot)},
                        {"backups", of(Kind::Backup)}});
    }
    return print_list(context, {"state", "volumes", "snapshots", "backups"}, rows);
}

}  // namespace

Result<void> print_plan(CliContext& context, const migration::Catalog& catalog, const Plan& plan, bool all) {
    if (prints_json(context)) {
        stream_json(catalog, plan);
        return {};
    }
    if (!prints_tables(context)) return print_record(context, head_of(catalog, plan));
    TRY(print_counts(context, plan));
    std::vector<Record> rows;
    for (const PlanRow& planned : plan.rows) {
        if (!all && !planned.needs_human) continue;
        rows.push_back({{"type", text_of(planned.row->kind)},
                        {"id", planned.row->id},
                        {"state", text_of(planned.state)},
                        {"action", text_of(planned.action)},
                        {"reason", planned.reason}});
    }
    if (!rows.empty()) TRY(print_list(context, {"type", "id", "state", "action", "reason"}, rows));
    remark(context, fmt::format("{} keys would be stored; {} objects need a human", plan.to_store, plan.need_human));
    return {};
}

Result<void> print_report(CliContext& context, const migration::ApplyReport& report,
                          const migration::RekeyReport* rekeyed) {
    Record record{{"total", report.total},         {"migrated", report.migrated},
                  {"adopted", report.adopted},     {"snapshots", report.snapshots},
                  {"repaired", report.repaired},   {"granted", report.granted},
                  {"dropped", report.dropped},     {"orphans_removed", report.orphans},
                  {"stopped", report.was_stopped}, {"failed", to_json(report.failed)}};
    if (rekeyed != nullptr) {
        record["rekey"] = {{"rekeyed", rekeyed->rekeyed},
                           {"out_of_reach", rekeyed->out_of_reach},
                           {"kept_for_snapshots", rekeyed->kept_for_snapshots},
                           {"failed", to_json(rekeyed->failed)}};
    }
    return print_record(context, record);
}

Result<void> print_status(CliContext& context, const std::string& journal, const migration::JournalSummary& summary) {
    const auto time = [](const std::optional<Timestamp>& at) {
        return at ? json::value(to_iso8601(*at)) : json::value(nullptr);
    };
    std::string state = summary.is_running ? "running" : "interrupted: run apply again";
    if (summary.ended) state = summary.outcome;
    if (!summary.begun) state = "not begun";
    return print_record(context, {{"journal", journal},
                                  {"state", state},
                                  {"begun", time(summary.begun)},
                                  {"ended", time(summary.ended)},
                                  {"total", summary.total},
                                  {"done", summary.done},
                                  {"dropped", summary.dropped},
                                  {"failed", summary.failed},
                                  {"failures", to_json(summary.failures)}});
}

void remark_on_rest(const CliContext& context, const migration::Catalog& catalog) {
    const auto left = [](const std::vector<CinderRow>& rows) {
        return std::ranges::count_if(rows, [](const CinderRow& row) { return !row.deleted && row.has_zero_key(); });
    };
    remark(context, migration::messages::volumes_left(left(catalog.volumes)).text);
    remark(context, migration::messages::backups_left(left(catalog.backups)).text);
}

}  // namespace sallyport::cli
