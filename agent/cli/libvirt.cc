#include "agent/cli/libvirt.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <utility>

#include "agent/cli/agent_client.h"
#include "agent/cli/output.h"

namespace sallyport::cli {
namespace {

constexpr auto Root = "/sallyport/v1/libvirt";

struct InjectOptions {
    std::string volume;
    std::string domain;
    std::vector<std::string> keys;
    std::string uuid;
    bool force = false;
};

struct DropOptions {
    std::string volume;
    bool force = false;
};

/// "vda=ID" gives disk and key; a bare "ID" is for a domain's only encrypted disk.
std::pair<std::string, std::string> split_key(const std::string& argument) {
    const auto equals = argument.find('=');
    if (equals == std::string::npos) return {"*", argument};
    return {argument.substr(0, equals), argument.substr(equals + 1)};
}

Result<boost::json::object> inject_body(const InjectOptions& options, CliContext& context) {
    boost::json::object body{{"force", options.force}};
    if (options.volume.empty()) {
        if (!options.uuid.empty()) return wrong_usage(context, "--uuid goes with --volume: a domain names its own");
        boost::json::object keys;
        for (const std::string& argument : options.keys) {
            auto [disk, key] = split_key(argument);
            if (!keys.emplace(disk, std::move(key)).second) return wrong_usage(context, "two keys for " + disk);
        }
        body["domain"] = options.domain;
        body["keys"] = std::move(keys);
        return body;
    }
    if (options.keys.size() != 1) return wrong_usage(context, "a volume has one --key");
    body["volume"] = options.volume;
    body["key"] = options.keys.front();
    if (!options.uuid.empty()) body["uuid"] = options.uuid;
    return body;
}

/// The list in an answer's member "secrets".
Result<std::vector<Record>> secrets_of(const boost::json::value& answer) {
    std::vector<Record> rows;
    const auto* object = answer.if_object();
    const auto* member = object == nullptr ? nullptr : object->if_contains("secrets");
    if (member == nullptr || !member->is_array()) return Error{Code::Internal, "the agent's answer has no secrets", {}};
    for (const boost::json::value& row : member->get_array()) {
        if (!row.is_object()) return Error{Code::Internal, "the agent's answer has a secret that is none", {}};
        rows.push_back(row.get_object());
    }
    return rows;
}

Result<void> inject(const InjectOptions& options, CliContext& context) {
    const boost::json::object body = TRY(inject_body(options, context));
    AgentClient agent = TRY(AgentClient::from_config(context));
    const auto answer = TRY(agent.call("POST", std::string(Root) + "/inject", boost::json::value(body)));
    return print_list(context, {"disk", "volume", "uuid"}, TRY(secrets_of(answer)));
}

Result<void> list(CliContext& context) {
    AgentClient agent = TRY(AgentClient::from_config(context));
    const auto answer = TRY(agent.call("GET", Root));
    return print_list(context, {"volume", "uuid", "ephemeral", "private", "ours"}, TRY(secrets_of(answer)));
}

Result<void> drop(const DropOptions& options, CliContext& context) {
    AgentClient agent = TRY(AgentClient::from_config(context));
    const boost::json::object body{{"volume", options.volume}, {"force", options.force}};
    const auto answer = TRY(agent.call("POST", std::string(Root) + "/drop", boost::json::value(body)));
    const auto* object = answer.if_object();
    const auto* dropped = object == nullptr ? nullptr : object->if_contains("dropped");
    if (dropped != nullptr && dropped->is_bool() && !dropped->get_bool()) {
        remark(context, "libvirt had no secret for volume " + options.volume);
    }
    return {};
}

void add_inject(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<InjectOptions>();
    CLI::App& verb = add_verb(noun, context,
                              {"inject", "Give libvirt the passphrases of a volume, or of a domain's encrypted disks",
                               "sallyport libvirt inject --volume 11111111-2222-4333-8444-555555555501 --key KEY_ID\n"
                               "sallyport libvirt inject --domain web1 --key vda=KEY_ID --key vdb=KEY_ID"});
    auto* volume = verb.add_option("--volume", options->volume, "Id of the volume (the secret's usage in libvirt)");
    auto* domain = verb.add_option("--domain", options->domain, "Name or UUID of a domain that libvirt has defined");
    volume->excludes(domain);
    verb.add_option("--key", options->keys,
                    "The key's id; for a domain with several encrypted disks DISK=ID or VOLUME=ID, once for each")
        ->required();
    verb.add_option("--uuid", options->uuid, "The uuid under which the domain asks for it (default: the volume's id)");
    verb.add_flag("--force", options->force, "Replace a secret that is persistent or readable, as Nova's are");
    set_action(verb, context, [options, &context]() -> Result<void> {
        if (options->volume.empty() && options->domain.empty()) {
            return wrong_usage(context, "--volume or --domain is required");
        }
        return inject(*options, context);
    });
}

void add_drop(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<DropOptions>();
    CLI::App& verb = add_verb(noun, context,
                              {"drop", "Make libvirt forget the passphrase of a volume; guests that run do not notice",
                               "sallyport libvirt drop --volume 11111111-2222-4333-8444-555555555501"});
    verb.add_option("--volume", options->volume, "Id of the volume")->required();
    verb.add_flag("--force", options->force, "Drop a secret that Sallyport did not make, too");
    set_action(verb, context, [options, &context] { return drop(*options, context); });
}

}  // namespace

void add_libvirt_commands(CLI::App& root, CliContext& context) {
    CLI::App& noun = add_noun(root, "libvirt", "Secrets of this node's hypervisor");
    add_inject(noun, context);
    add_drop(noun, context);
    CLI::App& list_verb =
        add_verb(noun, context, {"list", "The volume secrets that libvirt holds", "sallyport libvirt list"});
    set_action(list_verb, context, [&context] { return list(context); });
}

}  // namespace sallyport::cli
