#include "agent/cli/volume.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <unistd.h>

#include <memory>

#include "agent/cli/output.h"
#include "agent/cli/volume_key.h"
#include "agent/cli/volume_options.h"
#include "agent/node_api/volume_json.h"
#include "integrations/volume/volume_encryptor.h"

namespace sallyport::cli {
namespace {

namespace json = boost::json;

Result<void> inspect(const VolumeOptions& options, CliContext& context) {
    const volume::VolumeFacts facts = TRY(volume::make_luks_encryptor()->inspect(volume::DevicePath(options.device)));
    return print_record(context, node_api::to_json(facts));
}

Result<void> format(const VolumeOptions& options, CliContext& context) {
    if (options.key.from_agent()) {
        json::object body = TRY(request_for(options));
        TRY(add_format(body, options));
        return print_record(context, TRY(ask_agent(context, "/format", body)));
    }
    const volume::FormatOptions how = TRY(format_options(options));
    const volume::Passphrase key = TRY(passphrase_of(options));
    const auto facts = TRY(volume::make_luks_encryptor()->format(volume::DevicePath(options.device), key, how));
    return print_record(context, node_api::to_json(facts));
}

Result<void> open(const VolumeOptions& options, CliContext& context) {
    if (options.key.from_agent()) {
        json::object body = TRY(request_for(options));
        body["name"] = options.name;
        body["read_only"] = options.open.read_only;
        body["allow_discards"] = options.open.allow_discards;
        return print_record(context, TRY(ask_agent(context, "/open", body)));
    }
    const volume::Passphrase key = TRY(passphrase_of(options));
    const auto mapping = TRY(volume::make_luks_encryptor()->open(volume::DevicePath(options.device), key,
                                                                 volume::MappingName(options.name), options.open));
    return print_record(context, node_api::to_json(mapping));
}

/// Root removes a mapping itself; anybody else asks the agent, which knows who may.
Result<void> close(const VolumeOptions& options, CliContext& context) {
    if (geteuid() == 0) return volume::make_luks_encryptor()->close(volume::MappingName(options.name));
    TRY(ask_agent(context, "/close", {{"name", options.name}}));
    return {};
}

Result<void> test(const VolumeOptions& options, CliContext& context) {
    if (options.key.from_agent()) {
        const json::object body = TRY(request_for(options));
        return print_record(context, TRY(ask_agent(context, "/test", body)));
    }
    const volume::Passphrase key = TRY(passphrase_of(options));
    const int slot = TRY(volume::make_luks_encryptor()->test(volume::DevicePath(options.device), key));
    return print_record(context, {{"device", options.device}, {"key_slot", slot}});
}

Result<void> status(const VolumeOptions& options, CliContext& context) {
    std::vector<volume::Mapping> mappings = TRY(volume::make_luks_encryptor()->mappings());
    if (options.name.empty()) {
        std::vector<Record> rows;
        for (const volume::Mapping& mapping : mappings) rows.push_back(node_api::to_json(mapping));
        return print_list(context, {"name", "path", "device", "type", "size", "read_only", "used_by"}, rows);
    }
    for (const volume::Mapping& mapping : mappings) {
        if (mapping.name.str() == options.name) return print_record(context, node_api::to_json(mapping));
    }
    return Error{Code::NotFound, "there is no dm-crypt mapping " + options.name, {}};
}

void add_inspect(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<VolumeOptions>();
    CLI::App& verb = add_verb(noun, context,
                              {"inspect", "What is on a device; only reads, needs no key and no agent",
                               "sallyport volume inspect disk.img -f json"});
    add_device(verb, options);
    set_action(verb, context, [options, &context] { return inspect(*options, context); });
}

void add_format(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<VolumeOptions>();
    CLI::App& verb = add_verb(noun, context,
                              {"format", "Make a LUKS volume of an empty device; whatever holds anything is refused",
                               "sallyport volume format /dev/vdb --key KEY_ID\n"
                               "sallyport volume format disk.img --key-file key.bin --luks luks1"});
    add_device(verb, options);
    add_key_options(verb, options->key);
    add_format_options(verb, options);
    verb.add_flag("--force", options->format.force, "Destroy what is on the device (never one that is in use)");
    set_action(verb, context, [options, &context] { return format(*options, context); });
}

void add_open(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<VolumeOptions>();
    CLI::App& verb = add_verb(noun, context,
                              {"open", "Map a volume's plain text at /dev/mapper/NAME",
                               "sallyport volume open /dev/vdb --key KEY_ID --name data"});
    add_device(verb, options);
    add_key_options(verb, options->key);
    verb.add_option("--name", options->name, "Name of the mapping")->required();
    verb.add_flag("--read-only", options->open.read_only, "Map it for reading alone");
    verb.add_flag("--allow-discards", options->open.allow_discards,
                  "Pass discards on; the device then shows which blocks are unused");
    set_action(verb, context, [options, &context] { return open(*options, context); });
}

void add_close(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<VolumeOptions>();
    CLI::App& verb = add_verb(
        noun, context, {"close", "Remove a mapping; says who holds one that is in use", "sallyport volume close data"});
    verb.add_option("name", options->name, "Name of the mapping")->required();
    set_action(verb, context, [options, &context] { return close(*options, context); });
}

void add_status(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<VolumeOptions>();
    CLI::App& verb = add_verb(noun, context,
                              {"status", "The dm-crypt mappings of this machine and who uses them",
                               "sallyport volume status\nsallyport volume status data -f json"});
    verb.add_option("name", options->name, "Name of one mapping");
    set_action(verb, context, [options, &context] { return status(*options, context); });
}

void add_test(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<VolumeOptions>();
    CLI::App& verb = add_verb(noun, context,
                              {"test", "Does this key open the volume? Nothing is mapped and nothing written",
                               "sallyport volume test disk.img --key-file key.bin"});
    add_device(verb, options);
    add_key_options(verb, options->key);
    set_action(verb, context, [options, &context] { return test(*options, context); });
}

}  // namespace

void add_volume_commands(CLI::App& root, CliContext& context) {
    CLI::App& noun = add_noun(root, "volume", "Encrypted volumes: LUKS on devices and image files");
    add_inspect(noun, context);
    add_format(noun, context);
    add_open(noun, context);
    add_close(noun, context);
    add_status(noun, context);
    add_test(noun, context);
    add_encrypt_command(noun, context);
    add_decrypt_command(noun, context);
    add_volume_key_commands(noun, context);
}

}  // namespace sallyport::cli
