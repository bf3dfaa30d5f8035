#include "agent/cli/secret.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "agent/cli/agent_client.h"
#include "agent/cli/consumers.h"
#include "agent/cli/output.h"
#include "agent/cli/refs.h"
#include "agent/cli/resources.h"
#include "agent/cli/secret_io.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"

namespace sallyport::cli {
namespace {

namespace json = boost::json;

constexpr std::string_view OctetStream = "application/octet-stream";

/// What `store` may say about a secret, in the words of the `openstack` client.
struct StoreOptions {
    std::string name;
    std::string file;
    bool asks = false;
    std::string content_type = std::string(OctetStream);
    std::string algorithm;
    std::string mode;
    std::string type;
    std::string expiration;
    std::optional<int> bit_length;
};

const Resource Secrets{"secret",
                       "secrets",
                       {{"Secret href", "secret_ref"},
                        {"Name", "name"},
                        {"Created", "created"},
                        {"Status", "status"},
                        {"Content types", "content_types"},
                        {"Algorithm", "algorithm"},
                        {"Bit length", "bit_length"},
                        {"Secret type", "secret_type"},
                        {"Mode", "mode"},
                        {"Expiration", "expiration"}}};

json::object attributes_of(const StoreOptions& options) {
    json::object attributes;
    const auto set = [&attributes](std::string_view name, const std::string& value) {
        if (!value.empty()) attributes[name] = value;
    };
    set("name", options.name);
    set("algorithm", options.algorithm);
    set("mode", options.mode);
    set("secret_type", options.type);
    set("expiration", options.expiration);
    if (options.bit_length) attributes["bit_length"] = *options.bit_length;
    return attributes;
}

Result<std::optional<SecureBytes>> payload_of(const StoreOptions& options) {
    if (options.asks) return std::optional(TRY(prompt_for_secret("Payload: ")));
    if (!options.file.empty()) return std::optional(TRY(read_secret_file(options.file)));
    return std::optional<SecureBytes>();
}

/// The request's JSON with the payload in base64 at its end, all of it in locked memory.
Result<SecureBytes> body_with_payload(json::object attributes, const std::string& content_type,
                                      const SecureBytes& payload) {
    attributes["payload_content_type"] = content_type;
    attributes["payload_content_encoding"] = "base64";
    std::string head = json::serialize(attributes);
    head.pop_back();
    head += R"(,"payload":")";
    constexpr std::string_view tail = R"("})";

    const SecureBytes encoded = TRY(to_base64_secure(payload));
    SecureBytes body = TRY(SecureBytes::of_size(head.size() + encoded.size() + tail.size()));
    std::byte* at = body.writable().data();
    std::memcpy(at, head.data(), head.size());
    std::memcpy(at + head.size(), encoded.reveal().data(), encoded.size());
    std::memcpy(at + head.size() + encoded.size(), tail.data(), tail.size());
    return body;
}

Result<void> put_payload(AgentClient& agent, const std::string& id, const std::string& content_type,
                         SecureBytes payload) {
    const api::Response response =
        TRY(agent.send("PUT", "/v1/secrets/" + id, {{"Content-Type", content_type}}, std::move(payload)));
    if (response.status != 204) return error_of(response);
    return {};
}

/// Text cannot come in base64 (the API forbids it) and would lose white space at its ends in JSON: it follows in a
/// second step, and if that fails nothing is left behind.
Result<json::value> store_in_two_steps(AgentClient& agent, const StoreOptions& options, SecureBytes payload) {
    json::value answer = TRY(agent.call("POST", "/v1/secrets", attributes_of(options)));
    const std::string id = TRY(id_in(answer, Secrets));
    const Result<void> put = put_payload(agent, id, options.content_type, std::move(payload));
    if (!put) {
        const auto removed = agent.call("DELETE", "/v1/secrets/" + id);
        Error error = put.error();
        if (!removed) error.message += fmt::format(" (and the empty secret {} is still there)", id);
        return error;
    }
    return answer;
}

Result<json::value> store_in_one_step(AgentClient& agent, const StoreOptions& options, const SecureBytes& payload) {
    SecureBytes body = TRY(body_with_payload(attributes_of(options), options.content_type, payload));
    const api::Response response =
        TRY(agent.send("POST", "/v1/secrets", {{"Content-Type", "application/json"}}, std::move(body)));
    if (response.status != 201) return error_of(response);
    return json::parse(text_of(response.body.reveal()));
}

Result<void> store(CliContext& context, const StoreOptions& options) {
    AgentClient agent = TRY(AgentClient::from_config(context));
    std::optional<SecureBytes> payload = TRY(payload_of(options));
    json::value answer;
    if (!payload) {
        answer = TRY(agent.call("POST", "/v1/secrets", attributes_of(options)));
    } else if (options.content_type.starts_with("text/")) {
        answer = TRY(store_in_two_steps(agent, options, std::move(*payload)));
    } else {
        answer = TRY(store_in_one_step(agent, options, *payload));
    }
    const std::string id = TRY(id_in(answer, Secrets));
    return print_record(context, TRY(describe(agent, Secrets, id)));
}

struct GetOptions {
    std::string id;
    bool wants_payload = false;
    std::string file;
    bool reveal = false;
};

Result<void> get(CliContext& context, const GetOptions& options) {
    const std::string id = TRY(id_of(options.id, "secret"));
    AgentClient agent = TRY(AgentClient::from_config(context));
    if (!options.wants_payload && options.file.empty()) return print_record(context, TRY(describe(agent, Secrets, id)));

    // Every stored type is served as plain bytes too.
    const api::Response response =
        TRY(agent.send("GET", "/v1/secrets/" + id + "/payload", {{"Accept", std::string(OctetStream)}}, SecureBytes()));
    if (response.status != 200) return error_of(response);
    TRY(write_secret(response.body, options.file, options.reveal));
    if (!options.file.empty()) remark(context, fmt::format("{}: {} bytes", options.file, response.body.size()));
    return {};
}

struct ListOptions {
    Paging paging;
    std::string name;
    std::string algorithm;
    std::string mode;
    std::string type;
    std::optional<int> bits;
};

std::string query_of(const ListOptions& options) {
    std::string query = options.paging.query();
    query += query_part("name", options.name) + query_part("alg", options.algorithm);
    query += query_part("mode", options.mode) + query_part("secret_type", options.type);
    if (options.bits) query += query_part("bits", std::to_string(*options.bits));
    return query;
}

struct UpdateOptions {
    std::string id;
    std::string file;
    std::string content_type = std::string(OctetStream);
};

Result<void> update(CliContext& context, const UpdateOptions& options) {
    const std::string id = TRY(id_of(options.id, "secret"));
    AgentClient agent = TRY(AgentClient::from_config(context));
    TRY(put_payload(agent, id, options.content_type, TRY(read_secret_file(options.file))));
    remark(context, fmt::format("secret {} has its payload", id));
    return {};
}

Result<void> undelete(CliContext& context, const std::string& id) {
    AgentClient agent = TRY(AgentClient::from_config(context));
    TRY(agent.call("POST", "/sallyport/v1/life-cycle/undelete", json::object{{"secret", id}}));
    remark(context, fmt::format("secret {} is back", id));
    return {};
}

void add_store(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<StoreOptions>();
    CLI::App& verb =
        add_verb(noun, context,
                 {"store", "Store a secret; without a payload, only its description",
                  "sallyport secret store --name disk-key --file key.bin -a aes -b 256 -m xts -s symmetric"});
    verb.add_option("-n,--name", options->name, "A name for people");
    CLI::Option* const file =
        verb.add_option("-F,--file", options->file, "The payload (-: standard input)")->type_name("FILE");
    verb.add_flag("--prompt", options->asks, "Ask for the payload on the terminal")->excludes(file);
    verb.add_option("-t,--payload-content-type", options->content_type, "Its type")->capture_default_str();
    verb.add_option("-a,--algorithm", options->algorithm, "What the key is for: aes");
    verb.add_option("-b,--bit-length", options->bit_length, "Its length")->check(CLI::PositiveNumber);
    verb.add_option("-m,--mode", options->mode, "xts, cbc, ...");
    verb.add_option("-s,--secret-type", options->type, "symmetric, public, private, certificate, passphrase, opaque");
    verb.add_option("-x,--expiration", options->expiration, "ISO 8601; the secret is gone from then on")
        ->type_name("TIME");
    set_action(verb, context, [options, &context] { return store(context, *options); });
}

void add_get(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<GetOptions>();
    CLI::App& verb = add_verb(noun, context,
                              {"get", "Describe a secret, or fetch its payload",
                               "sallyport secret get 6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11 --file key.bin"});
    verb.add_option("ID", options->id, "Id or ref")->required();
    verb.add_flag("-p,--payload", options->wants_payload, "The payload, to a pipe or (with --reveal) the terminal");
    verb.add_option("-F,--file", options->file, "The payload, to this new file of mode 0600")->type_name("FILE");
    verb.add_flag("--reveal", options->reveal, "Show the payload on the terminal");
    set_action(verb, context, [options, &context] { return get(context, *options); });
}

void add_list(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<ListOptions>();
    CLI::App& verb = add_verb(noun, context,
                              {"list", "Describe the project's secrets", "sallyport secret list --limit 100 -f json"});
    add_paging_options(verb, options->paging);
    verb.add_option("-n,--name", options->name, "With this name");
    verb.add_option("-a,--algorithm", options->algorithm, "For this algorithm");
    verb.add_option("-b,--bits", options->bits, "Of this length");
    verb.add_option("-m,--mode", options->mode, "For this mode");
    verb.add_option("-s,--secret-type", options->type, "Of this type");
    set_action(verb, context, [options, &context] { return print_resources(context, Secrets, query_of(*options)); });
}

void add_update(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<UpdateOptions>();
    CLI::App& verb = add_verb(noun, context,
                              {"update", "Give a secret that has none its payload",
                               "sallyport secret update 6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11 --file key.bin"});
    verb.add_option("ID", options->id, "Id or ref")->required();
    verb.add_option("-F,--file", options->file, "The payload (-: standard input)")->required()->type_name("FILE");
    verb.add_option("-t,--payload-content-type", options->content_type, "Its type")->capture_default_str();
    set_action(verb, context, [options, &context] { return update(context, *options); });
}

void add_undelete(CLI::App& noun, CliContext& context) {
    add_verb_on_one(noun, context, Secrets,
                    {"undelete", "Bring back a secret that was deleted lately (life_cycle.undelete_days)",
                     "sallyport secret undelete 6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11"},
                    [&context](const std::string& id) { return undelete(context, id); });
}

}  // namespace

void add_secret_commands(CLI::App& root, CliContext& context) {
    CLI::App& noun = add_noun(root, "secret", "Secrets of the caller's project");
    add_store(noun, context);
    add_get(noun, context);
    add_list(noun, context);
    add_update(noun, context);
    add_delete(noun, context, Secrets, "Delete secrets");
    add_undelete(noun, context);
    add_consumer_commands(noun, context);
}

}  // namespace sallyport::cli
