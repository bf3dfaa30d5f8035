#include "agent/cli/project.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "agent/cli/agent_client.h"
#include "agent/cli/output.h"

namespace sallyport::cli {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 5> Counts{"secrets", "containers", "orders", "keks", "consumers"};

struct RemoveOptions {
    std::string project;
    bool yes = false;
};

Result<json::object> ask(AgentClient& agent, std::string_view what, const std::string& project) {
    const json::value answer =
        TRY(agent.call("POST", fmt::format("/sallyport/v1/life-cycle/{}", what), json::object{{"project", project}}));
    if (!answer.is_object()) return Error{Code::Corrupt, "the agent's answer is no object", {}};
    return answer.get_object();
}

std::int64_t count_at(const json::object& answer, std::string_view name) {
    const json::value* const value = answer.if_contains(name);
    return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

Record with_counts(const RemoveOptions& options, const json::object& counts, std::string_view outcome) {
    Record row{{"project", options.project}};
    for (const std::string_view name : Counts) row[name] = count_at(counts, name);
    row["outcome"] = outcome;
    return row;
}

/// Step by step until nothing is left. What an interrupted removal has left is there for the next.
Result<void> remove_all(CliContext& context, AgentClient& agent, const RemoveOptions& options) {
    json::object removed;
    // Whoever was registered to use the project's objects goes with them.
    removed["consumers"] = count_at(TRY(ask(agent, "count-project", options.project)), "consumers");
    for (bool done = false; !done;) {
        const Result<json::object> step = ask(agent, "remove-project", options.project);
        if (!step) {
            const bool began =
                count_at(removed, "secrets") + count_at(removed, "containers") + count_at(removed, "orders") > 0;
            if (!began) return step.error();
            context.exit_status = ExitStatus::Partly;
            return Error{step.error().code,
                         fmt::format("{} (part of project {} is removed; the same command removes the rest)",
                                     step.error().message, options.project),
                         step.error().detail};
        }
        for (const std::string_view name : Counts) removed[name] = count_at(removed, name) + count_at(*step, name);
        const json::value* const said = step->if_contains("done");
        done = said != nullptr && said->is_bool() && said->get_bool();
    }
    return print_record(context, with_counts(options, removed, "removed"));
}

Result<void> remove(CliContext& context, const RemoveOptions& options) {
    AgentClient agent = TRY(AgentClient::from_config(context));
    if (options.yes) return remove_all(context, agent, options);
    const json::object holdings = TRY(ask(agent, "count-project", options.project));
    TRY(print_record(context, with_counts(options, holdings, "nothing was changed")));
    remark(context, "this is what would go; --yes removes it");
    return {};
}

}  // namespace

void add_project_commands(CLI::App& root, CliContext& context) {
    CLI::App& noun = add_noun(root, "project", "What a project has in the key manager");
    const auto options = std::make_shared<RemoveOptions>();
    CLI::App& verb = add_verb(
        noun, context,
        {"remove", "Remove a project's secrets, containers, orders, keys and quotas; without --yes only count them",
         "sallyport project remove 0123456789abcdef0123456789abcdef --yes"});
    verb.add_option("ID", options->project, "The project, as Keystone calls it")->required();
    verb.add_flag("--yes", options->yes, "Do it");
    set_action(verb, context, [options, &context] { return remove(context, *options); });
}

}  // namespace sallyport::cli
