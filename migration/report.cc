#include "migration/report.h"

#include <boost/json.hpp>

#include <utility>

namespace sallyport::migration {
namespace {

namespace json = boost::json;

/// Where a row stood before a migration of ours touched it.
State state_before(const PlanRow& row, const PlanFacts& facts) {
    const bool was_ours = row.state == State::Stored || (!row.row->deleted && is_migrated(row, facts));
    return was_ours ? State::Old : row.state;
}

/// Where apply would bring it.
State state_after(const PlanRow& row) {
    switch (row.action) {
        case Action::Migrate:
        case Action::Follow:
        case Action::Repair:
        case Action::Grant: return State::Done;
        case Action::None: break;
    }
    return row.state;
}

StateCounts no_counts() {
    StateCounts counts;
    for (const Kind kind : {Kind::Volume, Kind::Snapshot, Kind::Backup}) {
        for (const State state : AllStates) counts[kind][state] = 0;
    }
    return counts;
}

std::vector<Moment> moments_of(const Plan& plan, const PlanFacts& facts) {
    StateCounts before = no_counts();
    StateCounts after = no_counts();
    for (const PlanRow& row : plan.rows) {
        ++before[row.row->kind][state_before(row, facts)];
        ++after[row.row->kind][state_after(row)];
    }
    std::vector<Moment> moments;
    if (before != plan.counts) moments.push_back({"before the migration", std::move(before)});
    moments.push_back({"now", plan.counts});
    if (after != plan.counts) moments.push_back({"after apply", std::move(after)});
    return moments;
}

json::object json_of(const ReportObject& object) {
    json::object members{{"kind", object.kind}, {"id", object.id}};
    const std::pair<const char*, const std::string&> more[] = {{"state", object.state},     {"reason", object.reason},
                                                               {"host", object.host},       {"status", object.status},
                                                               {"project", object.project}, {"user", object.user}};
    for (const auto& [name, value] : more) {
        if (!value.empty()) members[name] = value;
    }
    return members;
}

json::array json_of(const std::vector<ReportObject>& objects) {
    json::array all;
    for (const ReportObject& object : objects) all.push_back(json_of(object));
    return all;
}

json::object json_of(const StateCounts& counts) {
    json::object all;
    for (const auto& [kind, states] : counts) {
        json::object of_kind;
        for (const auto& [state, count] : states) of_kind[text_of(state)] = count;
        all[text_of(kind)] = std::move(of_kind);
    }
    return all;
}

}  // namespace

Report make_report(const Catalog& catalog, const Plan& plan, const PlanFacts& facts, const ReportOptions& options) {
    Report report;
    report.made_at = options.now;
    report.database = readable(options.database);
    report.revision = readable(catalog.revision);
    report.keys_were_checked = plan.keys_were_checked;
    report.to_store = plan.to_store;
    report.moments = moments_of(plan, facts);
    for (const PlanRow& row : plan.rows) {
        if (row.needs_human) report.needs_human.push_back(report_object(row));
    }
    report.has_residual = options.residual;
    if (options.residual) report.residual = residual_risks(catalog, plan, facts);
    return report;
}

std::string to_json(const Report& report) {
    json::array moments;
    for (const Moment& moment : report.moments) {
        moments.push_back(json::object{{"moment", moment.name}, {"counts", json_of(moment.counts)}});
    }
    json::object all{
        {"made_at", to_iso8601(report.made_at) + "Z"},   {"database", report.database}, {"revision", report.revision},
        {"keys_were_checked", report.keys_were_checked}, {"to_store", report.to_store}, {"moments", std::move(moments)},
        {"needs_human", json_of(report.needs_human)}};
    if (report.has_residual) {
        json::array risks;
        for (const ResidualRisk& risk : report.residual) {
            risks.push_back(json::object{{"risk", risk.name},
                                         {"title", risk.title},
                                         {"why", risk.why},
                                         {"remedy", risk.remedy},
                                         {"count", risk.objects.size()},
                                         {"objects", json_of(risk.objects)}});
        }
        all["residual"] = std::move(risks);
    }
    return json::serialize(all) + "\n";
}

}  // namespace sallyport::migration
