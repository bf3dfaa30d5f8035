#include "agent/cli/order.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/cli/agent_client.h"
#include "agent/cli/output.h"
#include "agent/cli/refs.h"

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

std::vector<std::string> columns() {
    return {"Order href", "Type", "Container href", "Secret href", "Created", "Status", "Error code", "Error message"};
}

Record row_of(const json::object& order) {
    Record row;
    copy_field(row, "Order href", order, "order_ref");
    copy_field(row, "Type", order, "type");
    copy_field(row, "Container href", order, "container_ref");
    copy_field(row, "Secret href", order, "secret_ref");
    copy_field(row, "Created", order, "created");
    copy_field(row, "Status", order, "status");
    copy_field(row, "Error code", order, "error_status_code");
    copy_field(row, "Error message", order, "error_reason");
    return row;
}

Result<void> print_order(CliContext& context, AgentClient& agent, const std::string& id) {
    const json::value answer = TRY(agent.call("GET", "/v1/orders/" + id));
    if (!answer.is_object()) return Error{Code::Corrupt, "the agent's answer is no order", {}};
    const Record row = row_of(answer.get_object());
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
    const json::value* const ref = answer.is_object() ? answer.get_object().if_contains("order_ref") : nullptr;
    if (ref == nullptr || !ref->is_string()) return Error{Code::Corrupt, "the agent's answer has no order_ref", {}};
    return print_order(context, agent, TRY(id_of(std::string(ref->get_string()), "order")));
}

Result<void> get(CliContext& context, const std::string& ref) {
    const std::string id = TRY(id_of(ref, "order"));
    AgentClient agent = TRY(AgentClient::from_config(context));
    return print_order(context, agent, id);
}

Result<void> list(CliContext& context, int limit, int offset) {
    AgentClient agent = TRY(AgentClient::from_config(context));
    const json::value answer = TRY(agent.call("GET", fmt::format("/v1/orders?limit={}&offset={}", limit, offset)));
    const json::value* const orders = answer.is_object() ? answer.get_object().if_contains("orders") : nullptr;
    if (orders == nullptr || !orders->is_array()) return Error{Code::Corrupt, "the agent's answer is no list", {}};
    std::vector<Record> rows;
    for (const json::value& order : orders->get_array()) {
        if (order.is_object()) rows.push_back(row_of(order.get_object()));
    }
    return print_list(context, columns(), rows);
}

Result<void> remove(CliContext& context, const std::string& ref) {
    const std::string id = TRY(id_of(ref, "order"));
    AgentClient agent = TRY(AgentClient::from_config(context));
    TRY(agent.call("DELETE", "/v1/orders/" + id));
    return {};
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
    verb.add_option("-a,--algorithm", options->algorithm, "aes; rsa for a pair")->capture_default_str();
    verb.add_option("-b,--bit-length", options->bit_length, "Its length")->capture_default_str();
    verb.add_option("-m,--mode", options->mode, "xts, cbc, ...");
    verb.add_option("-t,--payload-content-type", options->content_type, "The key's type");
    verb.add_option("-x,--expiration", options->expiration, "ISO 8601; the key is gone from then on")
        ->type_name("TIME");
    set_action(verb, context, [options, &context] { return create(context, *options); });
}

/// A verb that takes one order.
void add_simple(CLI::App& noun, CliContext& context, const VerbText& text,
                Result<void> (*action)(CliContext&, const std::string&)) {
    const auto ref = std::make_shared<std::string>();
    CLI::App& verb = add_verb(noun, context, text);
    verb.add_option("ID", *ref, "Id or ref")->required();
    set_action(verb, context, [ref, action, &context] { return action(context, *ref); });
}

void add_list(CLI::App& noun, CliContext& context) {
    struct Paging {
        int limit = 10;
        int offset = 0;
    };
    const auto paging = std::make_shared<Paging>();
    CLI::App& verb = add_verb(noun, context, {"list", "Describe the project's orders", "sallyport order list -f json"});
    verb.add_option("-l,--limit", paging->limit, "How many at most, up to 100")->capture_default_str();
    verb.add_option("-o,--offset", paging->offset, "How many to pass over")->capture_default_str();
    set_action(verb, context, [paging, &context] { return list(context, paging->limit, paging->offset); });
}

}  // namespace

void add_order_commands(CLI::App& root, CliContext& context) {
    CLI::App& noun = add_noun(root, "order", "Keys that the key manager makes");
    const std::string id = "0c5f6a5e-9d0e-4cf1-9a53-5d5a4a6e3c55";
    add_create(noun, context);
    add_simple(noun, context, {"get", "Describe an order and what came of it", "sallyport order get " + id}, get);
    add_list(noun, context);
    add_simple(noun, context, {"delete", "Delete an order (the key stays)", "sallyport order delete " + id}, remove);
}

}  // namespace sallyport::cli
