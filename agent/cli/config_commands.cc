#include "agent/cli/config_commands.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <iostream>
#include <memory>

#include "agent/app/policy.h"
#include "agent/cli/output.h"
#include "agent/config/config.h"
#include "keymanager/core/policy_report.h"

namespace sallyport::cli {
namespace {

Record row_of(const config::Problem& problem, std::string_view severity) {
    return {{"severity", severity}, {"file", problem.file}, {"line", problem.line}, {"message", problem.message}};
}

/// The policy file's own problems, once the configuration that names it is good.
void check_policy(config::Checked& checked) {
    const std::string& file = checked.config.policy_file;
    if (!checked.problems.empty() || file.empty()) return;
    const Result<core::AccessPolicy> policy = app::load_policy(file, checked.config.new_rbac_defaults);
    if (!policy) {
        // The problem carries the file's name itself.
        const std::string& message = policy.error().message;
        const std::string prefix = file + ": ";
        checked.problems.push_back({file, 0, message.starts_with(prefix) ? message.substr(prefix.size()) : message});
        return;
    }
    for (const std::string& name : core::idle_rules(*policy)) {
        checked.warnings.push_back({file, 0, app::idle_rule_text(name)});
    }
}

Result<void> check_config(CliContext& context) {
    config::Checked checked = config::check_file(context.config_file);
    check_policy(checked);
    std::vector<Record> rows;
    for (const config::Problem& problem : checked.problems) rows.push_back(row_of(problem, "error"));
    for (const config::Problem& warning : checked.warnings) rows.push_back(row_of(warning, "warning"));

    // For people a line each on stderr; for programs, that say which format they want, the list.
    if (context.format != OutputFormat::Automatic) {
        TRY(print_list(context, {"severity", "file", "line", "message"}, rows));
    } else {
        for (const config::Problem& problem : checked.problems) std::cerr << "error: " << problem.text() << '\n';
        for (const config::Problem& warning : checked.warnings) std::cerr << "warning: " << warning.text() << '\n';
    }
    if (!checked.problems.empty()) {
        return Error{Code::InvalidInput,
                     fmt::format("{}: {} errors, {} warnings", context.config_file, checked.problems.size(),
                                 checked.warnings.size()),
                     {}};
    }
    remark(context, fmt::format("{}: good", context.config_file));
    return {};
}

void add_check_config(CLI::App& root, CliContext& context) {
    CLI::App& verb = add_verb(root, context,
                              {"check-config", "Read the configuration and say all that is wrong with it",
                               "sallyport check-config --config /etc/sallyport/agent.yaml"});
    set_action(verb, context, [&context] { return check_config(context); });
}

void add_generate_config(CLI::App& root, CliContext& context) {
    const auto wants_reference = std::make_shared<bool>(false);
    CLI::App& verb = add_verb(root, context,
                              {"generate-config", "Every option with its default, as YAML (or as a page of Markdown)",
                               "sallyport generate-config > agent_full.yaml"});
    verb.add_flag("--reference", *wants_reference, "docs/configuration.md instead");
    set_action(verb, context, [wants_reference]() -> Result<void> {
        std::cout << (*wants_reference ? config::reference_markdown() : config::full_yaml());
        return {};
    });
}

}  // namespace

void add_config_commands(CLI::App& root, CliContext& context) {
    add_check_config(root, context);
    add_generate_config(root, context);
}

}  // namespace sallyport::cli
