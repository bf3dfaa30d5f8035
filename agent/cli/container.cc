#include "agent/cli/container.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/cli/agent_client.h"
#include "agent/cli/output.h"
#include "agent/cli/refs.h"
#include "agent/cli/resources.h"

namespace sallyport::cli {
namespace {

namespace json = boost::json;

const Resource Containers{"container",
                          "containers",
                          {{"Container href", "container_ref"},
                           {"Name", "name"},
                           {"Created", "created"},
                           {"Status", "status"},
                           {"Type", "type"},
                           {"Secrets", "secret_refs"},
                           {"Consumers", "consumers"}}};

struct CreateOptions {
    std::string name;
    std::string type = "generic";
    std::vector<std::string> secrets;  ///< "part=id"
};

/// The ref of a secret as the agent itself writes it, which is the only form that a container takes.
Result<std::string> ref_of(AgentClient& agent, const std::string& secret) {
    const std::string id = TRY(id_of(secret, "secret"));
    const json::value answer = TRY(agent.call("GET", "/v1/secrets/" + id));
    const json::value* const ref = answer.is_object() ? answer.get_object().if_contains("secret_ref") : nullptr;
    if (ref == nullptr || !ref->is_string()) return Error{Code::Corrupt, "the agent's answer has no secret_ref", {}};
    return std::string(ref->get_string());
}

Result<void> create(CliContext& context, const CreateOptions& options) {
    AgentClient agent = TRY(AgentClient::from_config(context));
    json::array refs;
    for (const std::string& given : options.secrets) {
        const std::size_t equals = given.find('=');
        if (equals == given.npos) return wrong_usage(context, fmt::format("--secret {}: expected NAME=ID", given));
        refs.push_back(json::object{{"name", given.substr(0, equals)},
                                    {"secret_ref", TRY(ref_of(agent, given.substr(equals + 1)))}});
    }
    json::object body{{"type", options.type}, {"secret_refs", std::move(refs)}};
    if (!options.name.empty()) body["name"] = options.name;
    const json::value answer = TRY(agent.call("POST", "/v1/containers", json::value(std::move(body))));
    return print_record(context, TRY(describe(agent, Containers, TRY(id_in(answer, Containers)))));
}

Result<void> get(CliContext& context, const std::string& id) {
    AgentClient agent = TRY(AgentClient::from_config(context));
    return print_record(context, TRY(describe(agent, Containers, id)));
}

struct ListOptions {
    Paging paging;
    std::string name;
    std::string type;
};

void add_create(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<CreateOptions>();
    CLI::App& verb = add_verb(noun, context,
                              {"create", "Put secrets together",
                               "sallyport container create --name web --type certificate"
                               " --secret certificate=6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11"});
    verb.add_option("-n,--name", options->name, "A name for people");
    verb.add_option("--type", options->type, "generic, rsa or certificate")
        ->check(CLI::IsMember({"generic", "rsa", "certificate"}))
        ->capture_default_str();
    verb.add_option("-s,--secret", options->secrets, "NAME=ID: a secret and its part; may be given again")
        ->type_name("NAME=ID")
        ->expected(1)
        ->take_all();
    set_action(verb, context, [options, &context] { return create(context, *options); });
}

void add_list(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<ListOptions>();
    CLI::App& verb =
        add_verb(noun, context, {"list", "Describe the project's containers", "sallyport container list -f json"});
    add_paging_options(verb, options->paging);
    verb.add_option("-n,--name", options->name, "With this name");
    verb.add_option("-t,--type", options->type, "Of this type");
    set_action(verb, context, [options, &context] {
        return print_resources(
            context, Containers,
            options->paging.query() + query_part("name", options->name) + query_part("type", options->type));
    });
}

}  // namespace

void add_container_commands(CLI::App& root, CliContext& context) {
    CLI::App& noun = add_noun(root, "container", "Secrets that belong together");
    add_create(noun, context);
    add_verb_on_one(noun, context, Containers,
                    {"get", "Describe a container", "sallyport container get 0c5f6a5e-9d0e-4cf1-9a53-5d5a4a6e3c55"},
                    [&context](const std::string& id) { return get(context, id); });
    add_list(noun, context);
    add_delete(noun, context, Containers, "Delete containers (their secrets stay)");
}

}  // namespace sallyport::cli
