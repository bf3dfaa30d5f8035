#include "agent/cli/acl.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "agent/cli/agent_client.h"
#include "agent/cli/output.h"
#include "agent/cli/refs.h"

namespace sallyport::cli {
namespace {

namespace json = boost::json;

struct Options {
    std::string object;
    std::vector<std::string> users;
    bool project_access = false;
    bool no_project_access = false;
};

/// A ref says whose list it is; a bare id is a secret's.
Result<std::string> path_of(const std::string& object) {
    const bool container = object.find("containers/") != object.npos;
    const std::string id = TRY(id_of(object, container ? "container" : "secret"));
    return fmt::format("/v1/{}/{}/acl", container ? "containers" : "secrets", id);
}

/// The list as the API shows it: its one operation is `read`.
Result<json::object> list_at(AgentClient& agent, const std::string& path) {
    const json::value answer = TRY(agent.call("GET", path));
    const json::value* const read = answer.is_object() ? answer.get_object().if_contains("read") : nullptr;
    if (read == nullptr || !read->is_object()) {
        return Error{Code::Corrupt, "the agent's answer is no access list", {}};
    }
    return read->get_object();
}

Result<void> print_list_at(CliContext& context, AgentClient& agent, const std::string& path) {
    const json::object list = TRY(list_at(agent, path));
    Record record;
    record["Operation Type"] = "read";
    copy_field(record, "Project Access", list, "project-access");
    copy_field(record, "Users", list, "users");
    copy_field(record, "Created", list, "created");
    copy_field(record, "Updated", list, "updated");
    return print_record(context, record);
}

Result<void> get(CliContext& context, const Options& options) {
    const std::string path = TRY(path_of(options.object));
    AgentClient agent = TRY(AgentClient::from_config(context));
    return print_list_at(context, agent, path);
}

Result<void> submit(CliContext& context, const Options& options) {
    const std::string path = TRY(path_of(options.object));
    AgentClient agent = TRY(AgentClient::from_config(context));
    json::object read{{"users", json::value_from(options.users)}};
    if (options.project_access || options.no_project_access) read["project-access"] = options.project_access;
    TRY(agent.call("PUT", path, json::object{{"read", read}}));
    return print_list_at(context, agent, path);
}

Result<void> remove(CliContext& context, const Options& options) {
    const std::string path = TRY(path_of(options.object));
    AgentClient agent = TRY(AgentClient::from_config(context));
    TRY(agent.call("DELETE", path));
    return {};
}

std::vector<std::string> users_in(const json::object& list) {
    std::vector<std::string> users;
    const json::value* const member = list.if_contains("users");
    if (member == nullptr || !member->is_array()) return users;
    for (const json::value& user : member->get_array()) {
        if (user.is_string()) users.emplace_back(user.get_string());
    }
    return users;
}

Result<void> change_users(CliContext& context, const Options& options, bool add) {
    const std::string path = TRY(path_of(options.object));
    AgentClient agent = TRY(AgentClient::from_config(context));
    std::vector<std::string> users = users_in(TRY(list_at(agent, path)));
    for (const std::string& user : options.users) {
        std::erase(users, user);
        if (add) users.push_back(user);
    }
    TRY(agent.call("PATCH", path, json::object{{"read", json::object{{"users", json::value_from(users)}}}}));
    return print_list_at(context, agent, path);
}

CLI::App& add_acl_verb(CLI::App& noun, CliContext& context, const VerbText& text,
                       const std::shared_ptr<Options>& options) {
    CLI::App& verb = add_verb(noun, context, text);
    verb.add_option("OBJECT", options->object, "Ref of a secret or container, or id of a secret")->required();
    return verb;
}

CLI::Option* add_users(CLI::App& verb, Options& options) {
    return verb.add_option("-u,--user", options.users, "A user's id; may be given again")->expected(1)->take_all();
}

}  // namespace

void add_acl_commands(CLI::App& root, CliContext& context) {
    CLI::App& noun = add_noun(root, "acl", "Who may read a secret or container");
    const std::string id = "6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11";
    const std::string user = " --user 5ecb18f341894e94baca9e8c7b6a824a";

    const auto shown = std::make_shared<Options>();
    set_action(add_acl_verb(noun, context, {"get", "Show the access list", "sallyport acl get " + id}, shown), context,
               [shown, &context] { return get(context, *shown); });

    const auto submitted = std::make_shared<Options>();
    CLI::App& verb = add_acl_verb(
        noun, context,
        {"submit", "Replace the access list", "sallyport acl submit " + id + " --no-project-access" + user}, submitted);
    add_users(verb, *submitted);
    CLI::Option* const open =
        verb.add_flag("--project-access", submitted->project_access, "The project's roles let in, too (default)");
    verb.add_flag("--no-project-access", submitted->no_project_access, "Private: its owner's and the users' alone")
        ->excludes(open);
    set_action(verb, context, [submitted, &context] { return submit(context, *submitted); });

    const auto removed = std::make_shared<Options>();
    set_action(add_acl_verb(noun, context, {"delete", "Remove the access list", "sallyport acl delete " + id}, removed),
               context, [removed, &context] { return remove(context, *removed); });

    CLI::App& users = add_noun(noun, "user", "One user of the list at a time");
    for (const bool add : {true, false}) {
        const auto options = std::make_shared<Options>();
        const std::string name = add ? "add" : "remove";
        CLI::App& one = add_acl_verb(
            users, context,
            {name, add ? "Let users in" : "Let users in no more", "sallyport acl user " + name + " " + id + user},
            options);
        add_users(one, *options)->required();
        set_action(one, context, [options, add, &context] { return change_users(context, *options, add); });
    }
}

}  // namespace sallyport::cli
