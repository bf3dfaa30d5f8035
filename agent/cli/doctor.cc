#include "agent/cli/doctor.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "agent/cli/agent_client.h"
#include "agent/cli/doctor_checks.h"
#include "agent/cli/output.h"
#include "agent/config/config.h"

namespace sallyport::cli {
namespace {

std::string_view word_of(Health health) {
    switch (health) {
        case Health::Good: return "good";
        case Health::Warning: return "warning";
        case Health::Bad: return "bad";
    }
    return "bad";
}

std::optional<boost::json::object> ask_agent(const CliContext& context) {
    auto agent = AgentClient::from_config(context);
    if (!agent) return std::nullopt;
    auto said = agent->call("GET", "/sallyport/v1/status");
    if (!said || !said->is_object()) return std::nullopt;
    return std::move(said->get_object());
}

Findings examine(const CliContext& context) {
    Findings all = check_configuration(context.config_file);
    const auto config = config::load_without_files(context.config_file);
    if (!config) return all;
    const Patient patient{context.config_file, *config, ask_agent(context)};
    for (const auto check :
         {check_config_file, check_agent, check_keks, check_memory, check_core_dumps, check_database, check_keystone,
          check_volumes, check_headers, check_hypervisor, check_audit, check_room, check_leftovers}) {
        std::ranges::move(check(patient), std::back_inserter(all));
    }
    std::ranges::move(check_clock(), std::back_inserter(all));
    return all;
}

Result<void> doctor(CliContext& context) {
    const Findings findings = examine(context);
    std::vector<Record> rows;
    for (const Finding& finding : findings) {
        rows.push_back({{"check", finding.check},
                        {"state", word_of(finding.health)},
                        {"found", finding.found},
                        {"mend", finding.mend}});
    }
    TRY(print_list(context, {"check", "state", "found", "mend"}, rows));
    const auto bad = std::ranges::count(findings, Health::Bad, &Finding::health);
    if (bad == 0) return {};
    return Error{Code::Refused, fmt::format("{} of {} checks found something wrong", bad, findings.size()), {}};
}

}  // namespace

void add_doctor_command(CLI::App& root, CliContext& context) {
    CLI::App& verb = add_verb(
        root, context,
        {"doctor", "What is wrong on this node, and the command that mends it (changes nothing)", "sallyport doctor"});
    set_action(verb, context, [&context] { return doctor(context); });
}

}  // namespace sallyport::cli
