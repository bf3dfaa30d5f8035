#include "agent/cli/order.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include <memory>
#include <string>

#include "agent/cli/agent_client.h"
#include "agent/cli/output.h"
#include "agent/cli/resources.h"

namespace sallyport::cli {
namespace {

namespace json = boost::json;

struct CreateOptions {
    std::string type;
    std::string name;
    std::string algorithm = "aes";
    int bit_length = 256;
    std::string mode;
    std::string content_type;
    std::string expiration;
};

const Resource Orders{"order",
                      "orders",
                      {{"Order href", "order_ref"},
                       {"Type", "type"},
                       {"Container href", "container_ref"},
                       {"Secret href", "secret_ref"},
                       {"Created", "created"},
                       {"Status", "status"},
                       {"Error code", "error_status_code"},
                       {"Error message", "error_reason"}}};

Result<void> print_order(CliContext& context, AgentClient& agent, const std::string& id) {
    const Record row = TRY(describe(agent, Orders, id));
    TRY(print_record(context, row));
    if (row.at("Status") == "ERROR") context.exit_status = ExitStatus::Failed;
    return {};
}

Result<void> create(CliContext& context, const CreateOptions& options) {
    json::object meta;
    const auto set = [&meta](std::string_view name, const std::string& value) {
        if (!value.empty()) meta[name] = value;
    };
    set("name", options.name);
    set("algorithm", options.algorithm);
    meta["bit_length"] = options.bit_length;
    set("mode", options.mode);
    set("payload_content_type", options.content_type);
    set("expiration", options.expiration);

    AgentClient agent = TRY(AgentClient::from_config(context));
    const json::value answer =
        TRY(agent.call("POST", "/v1/orders", json::object{{"type", options.type}, {"meta", std::move(meta)}}));
    return print_order(context, agent, TRY(id_in(answer, Orders)));
}

Result<void> get(CliContext& context, const std::string& id) {
    AgentClient agent = TRY(AgentClient::from_config(context));
    return print_order(context, agent, id);
}

void add_create(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<CreateOptions>();
    CLI::App& verb =
        add_verb(noun, context,
                 {"create", "Have the key manager make a key",
                  "sallyport order create key --name disk-key -a aes -b 256 -m xts -f value -c \"Secret href\""});
    verb.add_option("TYPE", options->type, "key or asymmetric")
        ->required()
        ->check(CLI::IsMember({"key", "asymmetric"}));
    verb.add_option("-n,--name", options->name, "A name for people");
    verb.add_option("-a,--algorithm", options->algorithm, "aes; rsa, dsa or ec for a pair")->capture_default_str();
    verb.add_option("-b,--bit-length", options->bit_length, "Its length")->capture_default_str();
    verb.add_option("-m,--mode", options->mode, "xts, cbc, ...");
    verb.add_option("-t,--payload-content-type", options->content_type, "The key's type");
    verb.add_option("-x,--expiration", options->expiration, "ISO 8601; the key is gone from then on")
        ->type_name("TIME");
    set_action(verb, context, [options, &context] { return create(context, *options); });
}

}  // namespace

void add_order_commands(CLI::App& root, CliContext& context) {
    CLI::App& noun = add_noun(root, "order", "Keys that the key manager makes");
    add_create(noun, context);
    add_verb_on_one(
        noun, context, Orders,
        {"get", "Describe an order and what came of it", "sallyport order get 0c5f6a5e-9d0e-4cf1-9a53-5d5a4a6e3c55"},
        [&context](const std::string& id) { return get(context, id); });
    add_plain_list(noun, context, Orders, {"list", "Describe the project's orders", "sallyport order list -f json"});
    add_delete(noun, context, Orders, "Delete orders (the keys stay)");
}

}  // namespace sallyport::cli
