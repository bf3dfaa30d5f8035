#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include <optional>
#include <string>

#include "agent/cli/output.h"
#include "agent/cli/progress_bar.h"
#include "agent/cli/refs.h"
#include "agent/cli/volume_options.h"
#include "agent/node_api/attach_json.h"
#include "integrations/volume/image_crypt.h"

namespace sallyport::cli {
namespace {

namespace json = boost::json;

Result<void> print_report(const VolumeOptions& options, CliContext& context, const volume::ImageCryptReport& report) {
    return print_record(context, {{"destination", options.destination},
                                  {"source_bytes", report.source_bytes},
                                  {"destination_bytes", report.destination_bytes}});
}

volume::ImageCryptOptions copy_options(const VolumeOptions& options, const CliContext& context) {
    return {.replace = options.replace,
            .sparse = options.sparse,
            .header = header_of(options),
            .progress = progress_bar(context)};
}

Result<json::object> copy_request(const VolumeOptions& options) {
    const std::string secret = TRY(id_of(options.key.key_id, "secret"));
    json::object body{{"source", path_for_agent(options.device)},
                      {"destination", path_for_agent(options.destination)},
                      {"secret", secret},
                      {"replace", options.replace},
                      {"sparse", options.sparse}};
    if (!options.header.empty()) body["header"] = path_for_agent(options.header);
    return body;
}

Result<void> encrypt(const VolumeOptions& options, CliContext& context) {
    remark_on_key_size(context, options.format);
    if (options.key.from_agent()) {
        json::object body = TRY(copy_request(options));
        TRY(add_format(body, options));
        return print_record(context,
                            TRY(ask_agent_with_progress(context, "/sallyport/v1/volumes/encrypt", std::move(body))));
    }
    const volume::FormatOptions how = TRY(format_options(options));
    const volume::Passphrase key = TRY(passphrase_of(options));
    const auto report = TRY(volume::encrypt_image(volume::DevicePath(options.device), options.destination, key, how,
                                                  copy_options(options, context)));
    return print_report(options, context, report);
}

Result<void> decrypt(const VolumeOptions& options, CliContext& context) {
    if (options.key.from_agent()) {
        json::object body = TRY(copy_request(options));
        if (const auto plain = TRY(plain_of(options, context))) body["plain"] = node_api::to_json(*plain);
        return print_record(context,
                            TRY(ask_agent_with_progress(context, "/sallyport/v1/volumes/decrypt", std::move(body))));
    }
    volume::ImageCryptOptions copying = copy_options(options, context);
    copying.plain = TRY(plain_of(options, context));
    const volume::Passphrase key = TRY(passphrase_of(options));
    const auto report =
        TRY(volume::decrypt_image(volume::DevicePath(options.device), options.destination, key, {}, copying));
    return print_report(options, context, report);
}

void add_source_and_destination(CLI::App& verb, const SharedVolumeOptions& options, const char* source) {
    verb.add_option("source", options->device, source)->required()->type_name("SRC");
    verb.add_option("destination", options->destination, "File to be made; appears complete or not at all")
        ->required()
        ->type_name("DST");
    verb.add_flag("--replace", options->replace, "Replace the destination if it exists");
}

}  // namespace

void add_volume_encrypt(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<VolumeOptions>();
    CLI::App& verb = add_verb(noun, context,
                              {"encrypt", "Make a LUKS image of a raw image, in user space",
                               "sallyport volume encrypt plain.raw disk.img --key-file key.bin --luks luks1"});
    add_source_and_destination(verb, options, "Raw image");
    add_key_options(verb, options->key);
    add_format_options(verb, options);
    add_header(verb, options, "Put the header into this new file and only the ciphertext into DST");
    verb.add_flag(
        "--sparse", options->sparse,
        "Leave the source's holes as holes: they then read as noise, not zeros, and show which blocks are unused");
    verb.add_flag("--force", options->format.force, "Encrypt a source that is a LUKS or qcow2 image, byte for byte");
    set_action(verb, context, [options, &context] { return encrypt(*options, context); });
}

void add_volume_decrypt(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<VolumeOptions>();
    CLI::App& verb = add_verb(noun, context,
                              {"decrypt", "Make a raw image of a LUKS image, in user space",
                               "sallyport volume decrypt disk.img plain.raw --key-file key.bin"});
    add_source_and_destination(verb, options, "LUKS image or device");
    add_key_options(verb, options->key);
    add_header(verb, options, "The header's own file, if SRC holds only ciphertext");
    add_plain_options(verb, options);
    verb.add_option("--cipher", options->plain.cipher, "Of a plain volume, such as aes-xts-plain64");
    verb.add_option("--key-size", options->plain.key_bits, "Bits of a plain volume's key");
    verb.add_flag("--sparse", options->sparse, "Make holes of zeros, and keep the source's holes");
    set_action(verb, context, [options, &context] { return decrypt(*options, context); });
}

}  // namespace sallyport::cli
