#include "agent/cli/libvirt.h"

#include <CLI/CLI.hpp>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <utility>

#include "agent/cli/agent_client.h"
#include "agent/cli/output.h"
#include "agent/guests/plan.h"
#include "agent/node_api/hypervisor.h"

namespace sallyport::cli {
namespace {

constexpr auto Root = "/sallyport/v1/libvirt";
/// For the agent's own refusal, which says more than a call that ran out of time.
constexpr std::chrono::milliseconds HookGrace{500};

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

Result<void> sync(bool force, CliContext& context) {
    AgentClient agent = TRY(AgentClient::from_config(context));
    const boost::json::object body{{"force", force}};
    const auto answer = TRY(agent.call("POST", std::string(Root) + "/sync", boost::json::value(body)));
    const std::vector<Record> rows = TRY(secrets_of(answer));
    const bool all_well = std::ranges::none_of(rows, [](const Record& row) {
        const auto* action = row.if_contains("action");
        return action != nullptr && action->is_string() && action->get_string() == "failed";
    });
    if (!all_well) context.exit_status = ExitStatus::Partly;
    return print_list(context, {"volume", "action", "uuid", "domain", "disk", "reason"}, rows);
}

/// libvirt writes the domain's XML to a hook's standard input, and closes it.
Result<std::string> read_domain_xml() {
    constexpr std::size_t Largest = 4U << 20U;
    std::string xml;
    std::array<char, 65536> piece{};
    for (;;) {
        const ssize_t got = ::read(STDIN_FILENO, piece.data(), piece.size());
        if (got == 0) return xml;
        if (got < 0)
            return Error{Code::Io, "the domain's XML cannot be read from standard input", std::strerror(errno)};
        xml.append(piece.data(), static_cast<std::size_t>(got));
        if (xml.size() > Largest) return Error{Code::TooLarge, "the domain's XML is longer than 4 MiB", {}};
    }
}

struct HookOptions {
    std::string domain;
    std::string operation;
    std::string suboperation;
    std::string extra;
    double seconds = 10;
};

/// Nothing goes to standard output: of some operations libvirt would take that for the domain's new XML.
Result<void> hook(const HookOptions& options, CliContext& context) {
    // hooks.html: "prepare begin" comes before anything of the domain is set up, for a start, a restore and the target
    // of a migration alike. At all other times there is nothing to do: the agent sees libvirt's events.
    if (options.operation != "prepare" || options.suboperation != "begin") return {};
    const std::string xml = TRY(read_domain_xml());
    boost::json::array disks;
    for (const guests::Need& need : TRY(guests::needs_of(options.domain, xml))) {
        disks.push_back(node_api::to_json(need));
    }
    // A domain without encrypted disks starts whether or not there is an agent.
    if (disks.empty()) return {};
    const auto within = std::chrono::milliseconds(static_cast<std::int64_t>(options.seconds * 1000));
    const boost::json::object body{
        {"domain", options.domain}, {"milliseconds", within.count()}, {"disks", std::move(disks)}};
    AgentClient agent = TRY(AgentClient::from_config(context));
    agent.set_patience(within + HookGrace);
    auto answer = agent.call("POST", std::string(Root) + "/hook", boost::json::value(body));
    if (answer) return {};
    Error error = std::move(answer).error();
    error.message = "domain " + options.domain + " is not started: " + error.message;
    return error;
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

void add_sync(CLI::App& noun, CliContext& context) {
    const auto force = std::make_shared<bool>(false);
    CLI::App& verb = add_verb(
        noun, context,
        {"sync", "Put what the running domains need, each key tried on its disk; drop what none needs",
         "sallyport libvirt sync\n"
         "sallyport libvirt sync --force    # and take the place of Nova's persistent secrets, where a key is known"});
    verb.add_flag("--force", *force, "Replace or drop secrets that are persistent or readable, as Nova's are");
    set_action(verb, context, [force, &context] { return sync(*force, context); });
}

void add_hook(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<HookOptions>();
    CLI::App& verb = add_verb(noun, context,
                              {"hook", "What libvirt's hook calls: the domain's XML is on standard input",
                               "sallyport libvirt hook web1 prepare begin - < web1.xml"});
    verb.add_option("domain", options->domain, "The domain's name")->required();
    verb.add_option("operation", options->operation, "\"prepare\"; at others nothing is to be done")->required();
    verb.add_option("suboperation", options->suboperation, "\"begin\"")->required();
    verb.add_option("extra", options->extra, "\"-\"");
    verb.add_option("--deadline", options->seconds, "Seconds that the start of a domain may be held up")
        ->check(CLI::Range(0.1, 600.0))
        ->capture_default_str();
    set_action(verb, context, [options, &context] { return hook(*options, context); });
}

}  // namespace

void add_libvirt_commands(CLI::App& root, CliContext& context) {
    CLI::App& noun = add_noun(root, "libvirt", "Secrets of this node's hypervisor");
    add_inject(noun, context);
    add_drop(noun, context);
    add_sync(noun, context);
    add_hook(noun, context);
    CLI::App& list_verb =
        add_verb(noun, context, {"list", "The volume secrets that libvirt holds", "sallyport libvirt list"});
    set_action(list_verb, context, [&context] { return list(context); });
}

}  // namespace sallyport::cli
