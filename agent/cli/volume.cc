#include "agent/cli/volume.h"

#include <CLI/CLI.hpp>
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <memory>

#include "agent/cli/agent_client.h"
#include "agent/cli/key_input.h"
#include "agent/cli/output.h"
#include "agent/cli/refs.h"
#include "agent/node_api/volume_json.h"
#include "integrations/volume/image_crypt.h"
#include "integrations/volume/volume_encryptor.h"

namespace sallyport::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::string_view Root = "/sallyport/v1/volumes";

/// What the verbs are told; each uses some of it.
struct VolumeOptions {
    KeySource key;
    std::string device;
    std::string destination;
    std::string name;
    std::string luks = "luks2";
    std::string unlock_profile;  ///< empty: what suits the key
    volume::FormatOptions format;
    volume::OpenOptions open;
    bool replace = false;
};
using Options = std::shared_ptr<VolumeOptions>;

Result<volume::Passphrase> passphrase_of(const VolumeOptions& options) {
    SecureBytes key = TRY(read_key(options.key));
    return volume::Passphrase::from_key(
        std::move(key), options.key.is_passphrase() ? volume::KeyKind::Passphrase : volume::KeyKind::Symmetric);
}

Result<volume::FormatOptions> format_options(const VolumeOptions& options) {
    volume::FormatOptions format = options.format;
    format.version = TRY(node_api::luks_version_from(options.luks));
    if (!options.unlock_profile.empty()) {
        format.profile = TRY(node_api::unlock_profile_from(options.unlock_profile));
    } else {
        format.profile =
            options.key.is_passphrase() ? volume::UnlockProfile::Passphrase : volume::UnlockProfile::RandomKey;
    }
    return format;
}

/// A path as the agent, which has another working directory, understands it; links are followed here, with the user's
/// eyes.
std::string path_for_agent(const std::string& path) {
    std::error_code failed;
    const fs::path real = fs::weakly_canonical(fs::absolute(path, failed), failed);
    return failed ? path : real.string();
}

Result<json::object> ask_agent(CliContext& context, std::string_view verb, const json::object& body) {
    AgentClient agent = TRY(AgentClient::from_config(context));
    json::value answer = TRY(agent.call("POST", std::string(Root) + std::string(verb), json::value(body)));
    if (!answer.is_object()) return Error{Code::Internal, "the agent's answer is no JSON object", {}};
    return std::move(answer.get_object());
}

Result<json::object> request_for(const VolumeOptions& options) {
    const std::string secret = TRY(id_of(options.key.key_id, "secret"));
    return json::object{{"device", path_for_agent(options.device)}, {"secret", secret}};
}

/// The agent picks the profile itself if none was asked for.
Result<void> add_format(json::object& body, const VolumeOptions& options) {
    const volume::FormatOptions format = TRY(format_options(options));
    const json::object members = node_api::to_json(format);
    for (const auto& [name, value] : members) {
        if (name != "unlock_profile" || !options.unlock_profile.empty()) body[name] = value;
    }
    return {};
}

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

/// A bar on stderr, for people only.
std::function<void(std::uint64_t, std::uint64_t)> progress_bar(const CliContext& context) {
    if (context.quiet || isatty(STDERR_FILENO) != 1) return {};
    return [shown = -1](std::uint64_t done, std::uint64_t total) mutable {
        const int percent = static_cast<int>(100 * static_cast<double>(done) / static_cast<double>(total));
        if (percent == shown) return;
        shown = percent;
        const auto width = static_cast<std::size_t>(percent / 2);
        std::cerr << "\r[" << std::string(width, '#') << std::string(50 - width, ' ') << "] " << percent << " %"
                  << (done == total ? "\n" : "") << std::flush;
    };
}

Result<void> print_report(const VolumeOptions& options, CliContext& context, const volume::ImageCryptReport& report) {
    return print_record(context, {{"destination", options.destination},
                                  {"source_bytes", report.source_bytes},
                                  {"destination_bytes", report.destination_bytes}});
}

Result<json::object> copy_request(const VolumeOptions& options) {
    const std::string secret = TRY(id_of(options.key.key_id, "secret"));
    return json::object{{"source", path_for_agent(options.device)},
                        {"destination", path_for_agent(options.destination)},
                        {"secret", secret},
                        {"replace", options.replace}};
}

Result<void> encrypt(const VolumeOptions& options, CliContext& context) {
    if (options.key.from_agent()) {
        json::object body = TRY(copy_request(options));
        TRY(add_format(body, options));
        return print_record(context, TRY(ask_agent(context, "/encrypt", body)));
    }
    const volume::FormatOptions how = TRY(format_options(options));
    const volume::Passphrase key = TRY(passphrase_of(options));
    const auto report = TRY(volume::encrypt_image(volume::DevicePath(options.device), options.destination, key, how,
                                                  {options.replace, progress_bar(context)}));
    return print_report(options, context, report);
}

Result<void> decrypt(const VolumeOptions& options, CliContext& context) {
    if (options.key.from_agent()) {
        const json::object body = TRY(copy_request(options));
        return print_record(context, TRY(ask_agent(context, "/decrypt", body)));
    }
    const volume::Passphrase key = TRY(passphrase_of(options));
    const auto report = TRY(volume::decrypt_image(volume::DevicePath(options.device), options.destination, key, {},
                                                  {options.replace, progress_bar(context)}));
    return print_report(options, context, report);
}

void add_device(CLI::App& verb, const Options& options) {
    verb.add_option("device", options->device, "Block device or image file")->required()->type_name("DEV");
}

void add_format_options(CLI::App& verb, const Options& options) {
    verb.add_option("--luks", options->luks, "luks1 (QEMU reads it too) or luks2")
        ->check(CLI::IsMember({"luks1", "luks2"}))
        ->capture_default_str();
    verb.add_option("--cipher", options->format.cipher, "As dm-crypt names it")->capture_default_str();
    verb.add_option("--key-size", options->format.key_bits, "Bits of the volume key; XTS uses half of them for AES")
        ->capture_default_str();
    verb.add_option("--sector-size", options->format.sector_size, "512, or with luks2 1024, 2048 or 4096")
        ->capture_default_str();
    verb.add_option("--unlock-profile", options->unlock_profile,
                    "random-key (opens in milliseconds; the default for keys) or passphrase (Argon2id)")
        ->check(CLI::IsMember({"random-key", "passphrase"}));
    verb.add_option("--label", options->format.label, "LUKS2 label");
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

void add_source_and_destination(CLI::App& verb, const Options& options, const char* source) {
    verb.add_option("source", options->device, source)->required()->type_name("SRC");
    verb.add_option("destination", options->destination, "File to be made; appears complete or not at all")
        ->required()
        ->type_name("DST");
    verb.add_flag("--replace", options->replace, "Replace the destination if it exists");
}

void add_encrypt(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<VolumeOptions>();
    CLI::App& verb = add_verb(noun, context,
                              {"encrypt", "Make a LUKS image of a raw image, in user space",
                               "sallyport volume encrypt plain.raw disk.img --key-file key.bin --luks luks1"});
    add_source_and_destination(verb, options, "Raw image");
    add_key_options(verb, options->key);
    add_format_options(verb, options);
    verb.add_flag("--force", options->format.force, "Encrypt a source that is a LUKS or qcow2 image, byte for byte");
    set_action(verb, context, [options, &context] { return encrypt(*options, context); });
}

void add_decrypt(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<VolumeOptions>();
    CLI::App& verb = add_verb(noun, context,
                              {"decrypt", "Make a raw image of a LUKS image, in user space",
                               "sallyport volume decrypt disk.img plain.raw --key-file key.bin"});
    add_source_and_destination(verb, options, "LUKS image or device");
    add_key_options(verb, options->key);
    set_action(verb, context, [options, &context] { return decrypt(*options, context); });
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
    add_encrypt(noun, context);
    add_decrypt(noun, context);
}

}  // namespace sallyport::cli
