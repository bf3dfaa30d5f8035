#include "agent/cli/volume.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include <memory>
#include <optional>

#include "agent/cli/output.h"
#include "agent/cli/volume_care.h"
#include "agent/cli/volume_key.h"
#include "agent/cli/volume_options.h"
#include "agent/node_api/volume_json.h"
#include "integrations/volume/volume_encryptor.h"

namespace sallyport::cli {
namespace {

namespace json = boost::json;

Result<void> inspect(const VolumeOptions& options, CliContext& context) {
    const auto volumes = volume::make_luks_encryptor();
    const volume::DevicePath device(options.device);
    const std::optional<volume::DevicePath> header = header_of(options);
    volume::VolumeFacts facts = TRY(volumes->inspect(header.value_or(device)));
    // The header's facts, and the volume's own size.
    if (header) facts.size = TRY(volumes->inspect(device))
    .size;
    return print_record(context, node_api::to_json(facts));
}

Result<void> format(const VolumeOptions& options, CliContext& context) {
    remark_on_key_size(context, options.format);
    if (options.key.from_agent()) {
        json::object body = TRY(request_for(options));
        TRY(add_format(body, options));
        const json::object answer = TRY(ask_agent(context, "/format", body));
        if (const json::value* kept = answer.if_contains("replaced_header"); kept != nullptr && kept->is_object()) {
            const json::object& header = kept->get_object();
            remark(context, "the header that was there is kept: sallyport volume header export --uuid " +
                                json::value_to<std::string>(header.at("uuid")) + " --header-version " +
                                json::serialize(header.at("version")) + " --file FILE");
        }
        return print_record(context, answer);
    }
    volume::FormatOptions how = TRY(format_options(options));
    how.header = header_of(options);
    const volume::Passphrase key = TRY(passphrase_of(options));
    const auto facts = TRY(volume::make_luks_encryptor()->format(volume::DevicePath(options.device), key, how));
    return print_record(context, node_api::to_json(facts));
}

Result<void> test(const VolumeOptions& options, CliContext& context) {
    if (options.key.from_agent()) {
        const json::object body = TRY(request_for(options));
        return print_record(context, TRY(ask_agent(context, "/test", body)));
    }
    const volume::Passphrase key = TRY(passphrase_of(options));
    const int slot =
        TRY(volume::make_luks_encryptor()->test(header_of(options).value_or(volume::DevicePath(options.device)), key));
    return print_record(context, {{"device", options.device}, {"key_slot", slot}});
}

void add_inspect(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<VolumeOptions>();
    CLI::App& verb = add_verb(noun, context,
                              {"inspect", "What is on a device; only reads, needs no key and no agent",
                               "sallyport volume inspect disk.img -f json"});
    add_device(verb, options);
    add_header(verb, options, "The header's own file, if it is not on DEV");
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
    add_header(verb, options, "Put the header into this new file, and nothing on the device");
    verb.add_flag("--force", options->format.force, "Destroy what is on the device (never one that is in use)");
    set_action(verb, context, [options, &context] { return format(*options, context); });
}

void add_test(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<VolumeOptions>();
    CLI::App& verb = add_verb(noun, context,
                              {"test", "Does this key open the volume? Nothing is mapped and nothing written",
                               "sallyport volume test disk.img --key-file key.bin"});
    add_device(verb, options);
    add_key_options(verb, options->key);
    add_header(verb, options, "The header's own file, if it is not on DEV");
    set_action(verb, context, [options, &context] { return test(*options, context); });
}

}  // namespace

void add_volume_commands(CLI::App& root, CliContext& context) {
    CLI::App& noun = add_noun(root, "volume", "Encrypted volumes: LUKS on devices and image files");
    add_inspect(noun, context);
    add_format(noun, context);
    add_volume_open(noun, context);
    add_volume_close(noun, context);
    add_volume_resize(noun, context);
    add_volume_status(noun, context);
    add_test(noun, context);
    add_volume_encrypt(noun, context);
    add_volume_decrypt(noun, context);
    add_volume_key_commands(noun, context);
    add_volume_care_commands(noun, context);
}

}  // namespace sallyport::cli
