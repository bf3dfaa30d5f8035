#include "agent/cli/quota.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/cli/agent_client.h"
#include "agent/cli/output.h"
#include "agent/cli/resources.h"
#include "keymanager/model/quota.h"

namespace sallyport::cli {
namespace {

namespace json = boost::json;

constexpr const char* SomeProject = "1f2e6a3c0c6b4b0f9b7f5d7c2a1e8d90";

Result<json::object> object_at(const json::value& answer, std::string_view member) {
    const json::value* const found = answer.is_object() ? answer.get_object().if_contains(member) : nullptr;
    if (found == nullptr || !found->is_object()) return Error{Code::Corrupt, "the agent's answer has no quotas", {}};
    return found->get_object();
}

std::string path_of(const std::string& project) { return "/v1/project-quotas/" + encoded(project); }

/// Without a project: the caller's own, with the defaults in place of what was not set.
Result<void> get(CliContext& context, const std::string& project) {
    AgentClient agent = TRY(AgentClient::from_config(context));
    const bool own = project.empty();
    const json::value answer = TRY(agent.call("GET", own ? "/v1/quotas" : path_of(project)));
    return print_record(context, TRY(object_at(answer, own ? "quotas" : "project_quotas")));
}

Result<void> list(CliContext& context, const Paging& paging) {
    AgentClient agent = TRY(AgentClient::from_config(context));
    const json::value answer = TRY(agent.call("GET", "/v1/project-quotas" + paging.query()));
    std::vector<std::string> columns{"project_id"};
    for (const model::QuotaField& field : model::QuotaFields) columns.emplace_back(field.name);
    std::vector<Record> rows;
    for (const json::object& item : TRY(items_of(answer, "project_quotas"))) {
        Record row = TRY(object_at(item, "project_quotas"));
        if (const json::value* const project = item.if_contains("project_id")) row["project_id"] = *project;
        rows.push_back(std::move(row));
    }
    return print_list(context, columns, rows);
}

struct SetOptions {
    std::string project;
    std::map<std::string, std::optional<int>> numbers;
};

Result<void> set(CliContext& context, const SetOptions& options) {
    json::object numbers;
    for (const auto& [name, number] : options.numbers) {
        if (number) numbers[name] = *number;
    }
    if (numbers.empty()) return wrong_usage(context, "which quota? --secrets, --orders, --containers, --consumers");
    AgentClient agent = TRY(AgentClient::from_config(context));
    TRY(agent.call("PUT", path_of(options.project), json::object{{"project_quotas", std::move(numbers)}}));
    return get(context, options.project);
}

Result<void> remove(CliContext& context, const std::string& project) {
    AgentClient agent = TRY(AgentClient::from_config(context));
    TRY(agent.call("DELETE", path_of(project)));
    return {};
}

void add_get(CLI::App& noun, CliContext& context) {
    const auto project = std::make_shared<std::string>();
    CLI::App& verb = add_verb(noun, context, {"get", "What a project may have", "sallyport quota get"});
    verb.add_option("PROJECT", *project, "What was set for this one (default: what holds for the caller's own)");
    set_action(verb, context, [project, &context] { return get(context, *project); });
}

void add_list(CLI::App& noun, CliContext& context) {
    const auto paging = std::make_shared<Paging>();
    CLI::App& verb =
        add_verb(noun, context, {"list", "The projects for which quotas were set", "sallyport quota list"});
    add_paging_options(verb, *paging);
    set_action(verb, context, [paging, &context] { return list(context, *paging); });
}

void add_set(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<SetOptions>();
    CLI::App& verb = add_verb(noun, context,
                              {"set", "Set quotas of a project; the others stay",
                               fmt::format("sallyport quota set {} --secrets 1000 --consumers -1", SomeProject)});
    verb.add_option("PROJECT", options->project, "The project's id")->required();
    for (const model::QuotaField& field : model::QuotaFields) {
        const std::string name(field.name);
        verb.add_option("--" + name, options->numbers[name], "How many; -1: any number, 0: none");
    }
    set_action(verb, context, [options, &context] { return set(context, *options); });
}

void add_delete(CLI::App& noun, CliContext& context) {
    const auto project = std::make_shared<std::string>();
    CLI::App& verb = add_verb(
        noun, context,
        {"delete", "Let the defaults hold for a project again", fmt::format("sallyport quota delete {}", SomeProject)});
    verb.add_option("PROJECT", *project, "The project's id")->required();
    set_action(verb, context, [project, &context] { return remove(context, *project); });
}

}  // namespace

void add_quota_commands(CLI::App& root, CliContext& context) {
    CLI::App& noun = add_noun(root, "quota", "How much projects may have");
    add_get(noun, context);
    add_list(noun, context);
    add_set(noun, context);
    add_delete(noun, context);
}

}  // namespace sallyport::cli
