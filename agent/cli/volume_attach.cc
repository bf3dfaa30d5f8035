#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "agent/cli/output.h"
#include "agent/cli/refs.h"
#include "agent/cli/volume_options.h"
#include "agent/config/config.h"
#include "agent/node_api/attach_json.h"
#include "integrations/volume/attacher.h"

namespace sallyport::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

/// Beside VolumeOptions, what only attaching knows.
struct AttachOptions : VolumeOptions {
    std::string multipath_id;
    bool link = false;
    bool first_use = false;
};
using Options = std::shared_ptr<AttachOptions>;

/// The agent of this machine and root's own commands keep the same records.
fs::path records_of(const CliContext& context) {
    const auto config = config::load_without_files(context.config_file);
    return config ? config->volumes.attachments : config::Volumes{}.attachments;
}

/// The path as it was named, since the mapping is called after the link; only its folder is followed.
std::string named_path(const std::string& path) {
    std::error_code failed;
    const fs::path absolute = fs::absolute(path, failed).lexically_normal();
    if (failed) return path;
    const fs::path folder = fs::canonical(absolute.parent_path(), failed);
    return failed ? absolute.string() : (folder / absolute.filename()).string();
}

Result<volume::AttachRequest> request_of(const AttachOptions& options, CliContext& context) {
    volume::AttachRequest request{.path = volume::DevicePath(named_path(options.device))};
    if (!options.name.empty()) request.name = volume::MappingName(options.name);
    request.multipath_id = options.multipath_id;
    request.replace_link = options.link;
    request.open = options.open;
    request.open.header = header_of(options);
    request.open.plain = TRY(plain_of(options, context));
    if (request.open.plain && options.first_use) return wrong_usage(context, "a plain volume is not formatted");
    if (options.first_use) request.first_use = TRY(format_options(options));
    return request;
}

Result<void> open(const AttachOptions& options, CliContext& context) {
    const volume::AttachRequest request = TRY(request_of(options, context));
    if (request.first_use) remark_on_key_size(context, *request.first_use);
    if (options.key.from_agent()) {
        json::object body = node_api::to_json(request);
        body["secret"] = TRY(id_of(options.key.key_id, "secret"));
        if (options.first_use) TRY(add_format(body, options));
        return print_record(context, TRY(ask_agent(context, "/open", body)));
    }
    const auto volumes = volume::make_luks_encryptor();
    volume::Attacher attacher(*volumes, records_of(context));
    const volume::Attachment attachment = TRY(attacher.attach(request, [&] { return passphrase_of(options); }));
    return print_record(context, node_api::to_json(attachment));
}

/// Root removes a mapping itself; anybody else asks the agent, which knows who may.
Result<void> close(const VolumeOptions& options, CliContext& context) {
    if (geteuid() == 0) {
        const auto volumes = volume::make_luks_encryptor();
        return volume::Attacher(*volumes, records_of(context)).detach(volume::MappingName(options.name));
    }
    TRY(ask_agent(context, "/close", {{"name", options.name}}));
    return {};
}

Result<void> resize(const VolumeOptions& options, CliContext& context) {
    if (options.key.from_agent() || (!options.key.is_given() && geteuid() != 0)) {
        json::object body{{"name", options.name}};
        if (options.key.from_agent()) body["secret"] = TRY(id_of(options.key.key_id, "secret"));
        return print_record(context, TRY(ask_agent(context, "/resize", body)));
    }
    std::optional<volume::Passphrase> key;
    if (options.key.is_given()) key = TRY(passphrase_of(options));
    const auto mapping =
        TRY(volume::make_luks_encryptor()->resize(volume::MappingName(options.name), key ? &*key : nullptr));
    return print_record(context, node_api::to_json(mapping, {}));
}

Result<void> status(const VolumeOptions& options, CliContext& context) {
    const auto volumes = volume::make_luks_encryptor();
    const auto attachments = TRY(volume::Attacher(*volumes, records_of(context)).list());
    if (options.name.empty()) {
        std::vector<Record> rows;
        for (const volume::Attachment& attachment : attachments)
            rows.push_back(node_api::to_json(attachment.mapping, attachment.link));
        return print_list(context, {"name", "path", "device", "type", "size", "read_only", "used_by", "link"}, rows);
    }
    for (const volume::Attachment& attachment : attachments) {
        if (attachment.mapping.name.str() == options.name)
            return print_record(context, node_api::to_json(attachment.mapping, attachment.link));
    }
    return Error{Code::NotFound, "there is no dm-crypt mapping " + options.name, {}};
}

}  // namespace

void add_volume_open(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<AttachOptions>();
    CLI::App& verb = add_verb(noun, context,
                              {"open", "Map a volume's plain text at /dev/mapper/NAME",
                               "sallyport volume open /dev/vdb --key KEY_ID --name data\n"
                               "sallyport volume open /dev/disk/by-path/ip-…-lun-1 --key KEY_ID --link"});
    add_device(verb, options);
    add_key_options(verb, options->key);
    verb.add_option("--name", options->name, "Name of the mapping; as os-brick: crypt- and the last part of DEV");
    verb.add_flag("--link", options->link, "DEV is a symbolic link: point it to the mapping until `close`");
    verb.add_option("--multipath-id", options->multipath_id, "WWN under which an older mapping may be found");
    verb.add_flag("--read-only", options->open.read_only, "Map it for reading alone");
    verb.add_flag("--allow-discards", options->open.allow_discards,
                  "Pass discards on; the device then shows which blocks are unused");
    add_header(verb, options, "The header's own file, if it is not on DEV");
    add_plain_options(verb, options);
    verb.add_flag("--first-use", options->first_use,
                  "Your records say that this volume was never used: format it, if the device is blank");
    add_format_options(verb, options);
    set_action(verb, context, [options, &verb, &context] {
        // Their defaults are for formatting; a plain volume's have to be said.
        if (verb.count("--cipher") > 0) options->plain.cipher = options->format.cipher;
        if (verb.count("--key-size") > 0) options->plain.key_bits = options->format.key_bits;
        return open(*options, context);
    });
}

void add_volume_close(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<VolumeOptions>();
    CLI::App& verb = add_verb(noun, context,
                              {"close", "Remove a mapping and put its link right; says who holds one that is in use",
                               "sallyport volume close data"});
    verb.add_option("name", options->name, "Name of the mapping")->required();
    set_action(verb, context, [options, &context] { return close(*options, context); });
}

void add_volume_resize(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<VolumeOptions>();
    CLI::App& verb = add_verb(
        noun, context,
        {"resize", "Let a mapping grow (or shrink) with its device", "sallyport volume resize data --key KEY_ID"});
    verb.add_option("name", options->name, "Name of the mapping")->required();
    add_optional_key_options(verb, options->key);
    set_action(verb, context, [options, &context] { return resize(*options, context); });
}

void add_volume_status(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<VolumeOptions>();
    CLI::App& verb = add_verb(noun, context,
                              {"status", "The dm-crypt mappings of this machine and who uses them",
                               "sallyport volume status\nsallyport volume status data -f json"});
    verb.add_option("name", options->name, "Name of one mapping");
    set_action(verb, context, [options, &context] { return status(*options, context); });
}

}  // namespace sallyport::cli
