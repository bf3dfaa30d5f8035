#include "agent/cli/consumers.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "agent/cli/agent_client.h"
#include "agent/cli/output.h"
#include "agent/cli/refs.h"
#include "agent/cli/resources.h"

namespace sallyport::cli {
namespace {

namespace json = boost::json;

const Resource Consumers{"consumer",
                         "consumers",
                         {{"Service", "service"},
                          {"Resource type", "resource_type"},
                          {"Resource id", "resource_id"},
                          {"Created", "created"}}};

struct ListOptions {
    std::string secret;
    Paging paging;
};

struct ConsumerOptions {
    std::string secret;
    std::string service;
    std::string resource_type;
    std::string resource_id;
};

Result<std::string> path_of(const std::string& secret) {
    return fmt::format("/v1/secrets/{}/consumers", TRY(id_of(secret, "secret")));
}

Result<void> list(CliContext& context, const ListOptions& options) {
    const std::string path = TRY(path_of(options.secret));
    AgentClient agent = TRY(AgentClient::from_config(context));
    const json::value answer = TRY(agent.call("GET", path + options.paging.query()));
    std::vector<Record> rows;
    for (const json::object& item : TRY(items_of(answer, "consumers"))) rows.push_back(row_of(Consumers, item));
    return print_list(context, columns_of(Consumers), rows);
}

Result<void> change(CliContext& context, std::string_view method, const ConsumerOptions& options) {
    const std::string path = TRY(path_of(options.secret));
    AgentClient agent = TRY(AgentClient::from_config(context));
    TRY(agent.call(method, path,
                   json::object{{"service", options.service},
                                {"resource_type", options.resource_type},
                                {"resource_id", options.resource_id}}));
    return {};
}

void add_change(CLI::App& noun, CliContext& context, const VerbText& text, const char* method) {
    const auto options = std::make_shared<ConsumerOptions>();
    CLI::App& verb = add_verb(noun, context, text);
    verb.add_option("SECRET", options->secret, "Id or ref of the secret")->required();
    verb.add_option("-s,--service-type-name", options->service, "The service that uses it: image, volume, ...")
        ->required();
    verb.add_option("-t,--resource-type", options->resource_type, "What of the service uses it")->required();
    verb.add_option("-i,--resource-id", options->resource_id, "Which one")->required();
    set_action(verb, context, [options, method, &context] { return change(context, method, *options); });
}

}  // namespace

void add_consumer_commands(CLI::App& secret, CliContext& context) {
    CLI::App& noun = add_noun(secret, "consumers", "Who uses a secret");
    const std::string id = "6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11";
    const std::string consumer = id + " -s image -t image -i 1d0f6a9e-52d9-4a1c-b0c1-5c3c0e0f7a55";
    const auto options = std::make_shared<ListOptions>();
    CLI::App& verb =
        add_verb(noun, context, {"list", "Say who uses a secret", "sallyport secret consumers list " + id});
    verb.add_option("SECRET", options->secret, "Id or ref of the secret")->required();
    add_paging_options(verb, options->paging);
    set_action(verb, context, [options, &context] { return list(context, *options); });
    add_change(noun, context,
               {"create", "Note that something uses it", "sallyport secret consumers create " + consumer}, "POST");
    add_change(noun, context,
               {"delete", "Note that it is used no more", "sallyport secret consumers delete " + consumer}, "DELETE");
}

}  // namespace sallyport::cli
