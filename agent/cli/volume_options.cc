#include "agent/cli/volume_options.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include <filesystem>

#include "agent/cli/agent_client.h"
#include "agent/cli/output.h"
#include "agent/cli/refs.h"
#include "agent/node_api/volume_json.h"

namespace sallyport::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::string_view Root = "/sallyport/v1/volumes";

}  // namespace

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

void remark_on_key_size(const CliContext& context, const volume::FormatOptions& format) {
    if (format.key_bits != 256 || format.cipher.find("-xts-") == std::string::npos) return;
    remark(context,
           "a key of 256 bits with XTS is AES-128, as cryptsetup and os-brick count; where Cinder lets QEMU make the "
           "volume (RBD, NFS) the same 256 is AES-256: --key-size 512 is the same strength here");
}

Result<std::optional<volume::PlainOptions>> plain_of(const VolumeOptions& options, CliContext& context) {
    const volume::PlainOptions& plain = options.plain;
    if (options.type != "plain") {
        if (!plain.hash.empty()) return wrong_usage(context, "--hash is for --type plain");
        return std::optional<volume::PlainOptions>{};
    }
    if (plain.hash.empty() || plain.cipher.empty() || plain.key_bits == 0)
        return wrong_usage(context, "a plain volume says nothing about itself: give --hash, --cipher and --key-size");
    if (!options.header.empty()) return wrong_usage(context, "a plain volume has no header");
    return std::optional(plain);
}

std::optional<volume::DevicePath> header_of(const VolumeOptions& options) {
    if (options.header.empty()) return std::nullopt;
    return volume::DevicePath(options.header);
}

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
    json::object body{{"device", path_for_agent(options.device)}, {"secret", secret}};
    if (!options.header.empty()) body["header"] = path_for_agent(options.header);
    return body;
}

Result<void> add_format(json::object& body, const VolumeOptions& options) {
    const volume::FormatOptions format = TRY(format_options(options));
    const json::object members = node_api::to_json(format);
    for (const auto& [name, value] : members) {
        if (name != "unlock_profile" || !options.unlock_profile.empty()) body[name] = value;
    }
    return {};
}

void add_device(CLI::App& verb, const SharedVolumeOptions& options) {
    verb.add_option("device", options->device, "Block device or image file")->required()->type_name("DEV");
}

void add_plain_options(CLI::App& verb, const SharedVolumeOptions& options) {
    verb.add_option("--type", options->type, "luks, or plain: dm-crypt without a header")
        ->check(CLI::IsMember({"luks", "plain"}))
        ->capture_default_str();
    verb.add_option("--hash", options->plain.hash,
                    "Of a plain volume's passphrase, never guessed: cryptsetup before 2.7 took ripemd160, later ones "
                    "sha256");
    verb.add_option("--offset", options->plain.offset, "Bytes of a plain volume's device before its data");
}

void add_header(CLI::App& verb, const SharedVolumeOptions& options, const char* what) {
    verb.add_option("--header", options->header, what)->type_name("FILE");
}

void add_format_options(CLI::App& verb, const SharedVolumeOptions& options) {
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

}  // namespace sallyport::cli
