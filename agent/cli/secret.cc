#include "agent/cli/secret.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <fmt/format.h>

#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "agent/cli/agent_client.h"
#include "agent/cli/output.h"
#include "agent/cli/refs.h"
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

std::vector<std::string> columns() {
    return {"Secret href", "Name",       "Created",     "Status", "Content types",
            "Algorithm",   "Bit length", "Secret type", "Mode",   "Expiration"};
}

Record row_of(const json::object& secret) {
    Record row;
    copy_field(row, "Secret href", secret, "secret_ref");
    copy_field(row, "Name", secret, "name");
    copy_field(row, "Created", secret, "created");
    copy_field(row, "Status", secret, "status");
    copy_field(row, "Content types", secret, "content_types");
    copy_field(row, "Algorithm", secret, "algorithm");
    copy_field(row, "Bit length", secret, "bit_length");
    copy_field(row, "Secret type", secret, "secret_type");
    copy_field(row, "Mode", secret, "mode");
    copy_field(row, "Expiration", secret, "expiration");
    return row;
}

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

Result<std::string> ref_of(const json::value& answer) {
    const json::value* const ref = answer.is_object() ? answer.get_object().if_contains("secret_ref") : nullptr;
    if (ref == nullptr || !ref->is_string()) return Error{Code::Corrupt, "the agent's answer has no secret_ref", {}};
    return std::string(ref->get_string());
}

/// Text cannot come in base64 (the API forbids it) and would lose white space at its ends in JSON: it follows in a
/// second step, and if that fails nothing is left behind.
Result<json::value> store_in_two_steps(AgentClient& agent, const StoreOptions& options, SecureBytes payload) {
    json::value answer = TRY(agent.call("POST", "/v1/secrets", attributes_of(options)));
    const std::string id = TRY(id_of(TRY(ref_of(answer)), "secret"));
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

Result<Record> described(AgentClient& agent, const std::string& id) {
    const json::value answer = TRY(agent.call("GET", "/v1/secrets/" + id));
    if (!answer.is_object()) return Error{Code::Corrupt, "the agent's answer is no secret", {}};
    return row_of(answer.get_object());
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
    const std::string id = TRY(id_of(TRY(ref_of(answer)), "secret"));
    return print_record(context, TRY(described(agent, id)));
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
    if (!options.wants_payload && options.file.empty()) return print_record(context, TRY(described(agent, id)));

    // Every stored type is served as plain bytes too.
    const api::Response response =
        TRY(agent.send("GET", "/v1/secrets/" + id + "/payload", {{"Accept", std::string(OctetStream)}}, SecureBytes()));
    if (response.status != 200) return error_of(response);
    TRY(write_secret(response.body, options.file, options.reveal));
    if (!options.file.empty()) remark(context, fmt::format("{}: {} bytes", options.file, response.body.size()));
    return {};
}

struct ListOptions {
    int limit = 10;
    int offset = 0;
    std::string name;
    std::string algorithm;
    std::string mode;
    std::string type;
    std::optional<int> bits;
};

std::string query_of(const ListOptions& options) {
    std::string query = fmt::format("/v1/secrets?limit={}&offset={}", options.limit, options.offset);
    const auto add = [&query](std::string_view name, const std::string& value) {
        if (!value.empty())
            query += fmt::format("&{}={}", name, boost::urls::encode(value, boost::urls::unreserved_chars));
    };
    add("name", options.name);
    add("alg", options.algorithm);
    add("mode", options.mode);
    add("secret_type", options.type);
    if (options.bits) add("bits", std::to_string(*options.bits));
    return query;
}

Result<void> list(CliContext& context, const ListOptions& options) {
    AgentClient agent = TRY(AgentClient::from_config(context));
    const json::value answer = TRY(agent.call("GET", query_of(options)));
    const json::value* const secrets = answer.is_object() ? answer.get_object().if_contains("secrets") : nullptr;
    if (secrets == nullptr || !secrets->is_array()) return Error{Code::Corrupt, "the agent's answer is no list", {}};
    std::vector<Record> rows;
    for (const json::value& secret : secrets->get_array()) {
        if (secret.is_object()) rows.push_back(row_of(secret.get_object()));
    }
    return print_list(context, columns(), rows);
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

Result<void> remove(CliContext& context, const std::vector<std::string>& refs) {
    AgentClient agent = TRY(AgentClient::from_config(context));
    std::size_t done = 0;
    for (const std::string& ref : refs) {
        const Result<std::string> id = id_of(ref, "secret");
        const Result<json::value> removed =
            id ? agent.call("DELETE", "/v1/secrets/" + *id) : Result<json::value>(id.error());
        if (!removed) {
            if (done > 0) context.exit_status = ExitStatus::Partly;
            return Error{removed.error().code,
                         fmt::format("{}: {}{}", ref, removed.error().message,
                                     done > 0 ? fmt::format(" ({} of {} deleted)", done, refs.size()) : ""),
                         removed.error().detail};
        }
        ++done;
    }
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
    verb.add_option("-l,--limit", options->limit, "How many at most, up to 100")->capture_default_str();
    verb.add_option("-o,--offset", options->offset, "How many to pass over")->capture_default_str();
    verb.add_option("-n,--name", options->name, "With this name");
    verb.add_option("-a,--algorithm", options->algorithm, "For this algorithm");
    verb.add_option("-b,--bits", options->bits, "Of this length");
    verb.add_option("-m,--mode", options->mode, "For this mode");
    verb.add_option("-s,--secret-type", options->type, "Of this type");
    set_action(verb, context, [options, &context] { return list(context, *options); });
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

void add_delete(CLI::App& noun, CliContext& context) {
    const auto refs = std::make_shared<std::vector<std::string>>();
    CLI::App& verb = add_verb(
        noun, context, {"delete", "Delete secrets", "sallyport secret delete 6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11"});
    verb.add_option("ID", *refs, "Ids or refs")->required();
    set_action(verb, context, [refs, &context] { return remove(context, *refs); });
}

}  // namespace

void add_secret_commands(CLI::App& root, CliContext& context) {
    CLI::App& noun = add_noun(root, "secret", "Secrets of the caller's project");
    add_store(noun, context);
    add_get(noun, context);
    add_list(noun, context);
    add_update(noun, context);
    add_delete(noun, context);
}

}  // namespace sallyport::cli
