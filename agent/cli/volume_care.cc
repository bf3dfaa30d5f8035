#include "agent/cli/volume_care.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <unistd.h>

#include <array>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "agent/cli/agent_client.h"
#include "agent/cli/key_input.h"
#include "agent/cli/output.h"
#include "agent/cli/progress_bar.h"
#include "agent/cli/refs.h"
#include "agent/cli/version.h"
#include "agent/cli/volume_options.h"
#include "agent/node_api/erasure_certificate.h"
#include "agent/node_api/volume_care_json.h"
#include "integrations/volume/erase.h"
#include "integrations/volume/header_care.h"
#include "integrations/volume/reencrypt.h"
#include "integrations/volume/rotate.h"

namespace sallyport::cli {
namespace {

namespace json = boost::json;

constexpr std::string_view Root = "/sallyport/v1/volume-care";

struct RotateInput {
    std::string device;
    KeySource key;
    KeySource new_key;
};

struct HeaderInput {
    std::string device;
    std::string file;
    std::string uuid;
    int version = 0;
    bool force = false;
};

Result<volume::Passphrase> passphrase_of(const KeySource& source) {
    SecureBytes key = TRY(read_key(source));
    return volume::Passphrase::from_key(
        std::move(key), source.is_passphrase() ? volume::KeyKind::Passphrase : volume::KeyKind::Symmetric);
}

Result<json::object> ask_care(const CliContext& context, const std::string& verb, const json::object& body) {
    AgentClient agent = TRY(AgentClient::from_config(context));
    json::value answer = TRY(agent.call("POST", std::string(Root) + "/" + verb, json::value(body)));
    if (!answer.is_object()) return Error{Code::Internal, "the agent's answer is no JSON object", {}};
    return std::move(answer.get_object());
}

// ---------------------------------------------------------------------------------------------------------- rotate

void say_what_is_left(const CliContext& context, const RotateInput& input) {
    remark(context, "the old key opens nothing any more; if no other volume needs it: sallyport secret delete " +
                        input.key.key_id);
}

Result<void> rotate(const RotateInput& input, CliContext& context) {
    if (input.key.from_agent() != input.new_key.from_agent()) {
        return wrong_usage(context, "both keys come from the key manager (--key, --new-key) or both from files");
    }
    if (input.key.from_agent()) {
        const std::string secret = TRY(id_of(input.key.key_id, "secret"));
        const std::string new_secret = TRY(id_of(input.new_key.key_id, "secret"));
        const json::object answer =
            TRY(ask_care(context, "rotate",
                         {{"device", path_for_agent(input.device)}, {"secret", secret}, {"new_secret", new_secret}}));
        say_what_is_left(context, input);
        return print_record(context, answer);
    }
    const volume::Passphrase old_key = TRY(passphrase_of(input.key));
    const volume::Passphrase new_key = TRY(passphrase_of(input.new_key));
    const auto report = TRY(volume::rotate_key(volume::DevicePath(input.device), old_key, new_key, {}));
    return print_record(context, node_api::to_json(report));
}

void add_rotate(CLI::App& noun, CliContext& context) {
    const auto input = std::make_shared<RotateInput>();
    CLI::App& verb = add_verb(noun, context,
                              {"rotate",
                               "Replace the key that opens a volume, in use or not; killed or failed, the same command "
                               "finishes it",
                               "sallyport volume rotate /dev/vdb --key OLD_ID --new-key NEW_ID\n"
                               "sallyport volume rotate disk.img --key-file old.bin --new-key-file new.bin"});
    verb.add_option("device", input->device, "Block device or image file")->required()->type_name("DEV");
    add_key_options(verb, input->key);
    add_key_options(verb, input->new_key, "new-");
    set_action(verb, context, [input, &context] { return rotate(*input, context); });
}

// ----------------------------------------------------------------------------------------------------------
// rekey-clone

struct CloneInput {
    std::string device;
    std::string key_id;
    std::string volume;
    bool force = false;
};

Result<void> rekey_clone(const CloneInput& input, CliContext& context) {
    const std::string secret = TRY(id_of(input.key_id, "secret"));
    json::object body{{"device", path_for_agent(input.device)}, {"secret", secret}, {"volume", input.volume}};
    if (input.force) body["force"] = true;
    const json::object answer = TRY(ask_care(context, "rekey-clone", body));
    remark(context, "the source's header opens the clone's data still, until: sallyport volume reencrypt " +
                        input.device + " --key " + json::value_to<std::string>(answer.at("secret")));
    return print_record(context, answer);
}

void add_rekey_clone(CLI::App& noun, CliContext& context) {
    const auto input = std::make_shared<CloneInput>();
    CLI::App& verb = add_verb(noun, context,
                              {"rekey-clone",
                               "Make a volume of its own of a volume's clone: a key made like the source's and "
                               "registered, a uuid, a key slot; killed or failed, the same command finishes it",
                               "sallyport volume rekey-clone /dev/vdc --key SOURCE_KEY_ID --volume CLONE_ID"});
    verb.add_option("device", input->device, "The clone")->required()->type_name("DEV");
    verb.add_option("--key", input->key_id, "The source's key, which opens the clone so far")
        ->required()
        ->type_name("ID");
    verb.add_option("--volume", input->volume, "The clone's id in Cinder, and in its header from now on")
        ->required()
        ->type_name("UUID");
    verb.add_flag("--force", input->force, "Also on a device where the source itself was seen last");
    set_action(verb, context, [input, &context] { return rekey_clone(*input, context); });
}

// ---------------------------------------------------------------------------------------------------------- reencrypt

struct ReencryptInput {
    std::string device;
    KeySource key;
    unsigned zone_mib = 16;
    bool in_use = false;
};

Result<json::object> reencrypt_here(const ReencryptInput& input, const CliContext& context) {
    const volume::Passphrase key = TRY(passphrase_of(input.key));
    volume::ReencryptOptions options;
    options.zone = input.zone_mib * volume::ReencryptOptions::MiB;
    options.in_use = input.in_use;
    options.more = [bar = progress_bar(context)](std::uint64_t done, std::uint64_t total) {
        if (bar) bar(done, total);
        return true;
    };
    return node_api::to_json(TRY(volume::reencrypt_volume(volume::DevicePath(input.device), key, options)));
}

Result<json::object> reencrypt_by_agent(const ReencryptInput& input, CliContext& context) {
    const std::string secret = TRY(id_of(input.key.key_id, "secret"));
    return ask_agent_with_progress(context, std::string(Root) + "/reencrypt",
                                   {{"device", path_for_agent(input.device)},
                                    {"secret", secret},
                                    {"zone_mib", input.zone_mib},
                                    {"in_use", input.in_use}});
}

Result<void> reencrypt(const ReencryptInput& input, CliContext& context) {
    json::object answer =
        TRY(input.key.from_agent() ? reencrypt_by_agent(input, context) : reencrypt_here(input, context));
    if (answer["finished"] != json::value(true)) {
        context.exit_status = ExitStatus::Partly;
        remark(context, "the agent ends: the same command goes on when it runs again");
    }
    return print_record(context, answer);
}

void add_reencrypt(CLI::App& noun, CliContext& context) {
    const auto input = std::make_shared<ReencryptInput>();
    CLI::App& verb = add_verb(noun, context,
                              {"reencrypt",
                               "Encrypt a LUKS2 volume's data under another volume key; stopped, killed or failed, the "
                               "same command goes on",
                               "sallyport volume reencrypt /dev/vdb --key KEY_ID"});
    verb.add_option("device", input->device, "Block device or image file")->required()->type_name("DEV");
    add_key_options(verb, input->key);
    verb.add_option("--zone", input->zone_mib,
                    "MiB that are worked on at a time; for as long as that takes, users of the volume wait")
        ->check(CLI::Range(1, 256))
        ->capture_default_str()
        ->type_name("MIB");
    verb.add_flag(
        "--in-use", input->in_use,
        "Also while it is mapped; killed then, it may leave its users waiting until the machine is started anew");
    set_action(verb, context, [input, &context] { return reencrypt(*input, context); });
}

// ---------------------------------------------------------------------------------------------------------- erase

struct EraseInput {
    std::string device;
    KeySource key;
    std::string folder;
    std::string certificate;
    std::string volume;
    bool yes = false;
};

Result<std::string> text_of_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    if (!in) return Error{Code::Io, "cannot read " + path, {}};
    return text.str();
}

Result<json::object> erase_here(const EraseInput& input) {
    const volume::Passphrase key = TRY(passphrase_of(input.key));
    const auto folder = TRY(node_api::CertificateFolder::open(input.folder));
    std::array<char, 256> host{};
    ::gethostname(host.data(), host.size() - 1);
    const node_api::EraseScene scene{host.data(), "user " + std::to_string(getuid()), version_text()};
    json::object certificate;
    volume::EraseOptions options;
    options.certify = [&folder, &scene, &certificate](const volume::EraseReport& report) -> Result<void> {
        certificate = TRY(node_api::certificate_of(report, scene, folder.key()));
        const std::string file = TRY(folder.write(report.volume.uuid, certificate));
        certificate["file"] = file;
        return {};
    };
    TRY(volume::erase_volume(volume::DevicePath(input.device), &key, options));
    return certificate;
}

Result<void> erase(const EraseInput& input, CliContext& context) {
    if (!input.yes) {
        return Error{Code::Refused,
                     "this destroys all that " + input.device +
                         " can be opened with, and the key in the key manager; --yes does it",
                     {}};
    }
    if (!input.key.from_agent() && input.folder.empty()) {
        return wrong_usage(context,
                           "without an agent, --folder says where the certificate and the signing key are kept");
    }
    json::object answer;
    if (input.key.from_agent()) {
        const std::string secret = TRY(id_of(input.key.key_id, "secret"));
        json::object body{{"device", path_for_agent(input.device)}, {"secret", secret}};
        if (!input.volume.empty()) body["volume"] = input.volume;
        answer = TRY(ask_care(context, "erase", body));
    } else {
        answer = TRY(erase_here(input));
    }
    const json::value file = answer["file"];
    answer.erase("file");
    const std::string text = json::serialize(answer);
    if (!input.certificate.empty() && !(std::ofstream(input.certificate) << text << "\n").flush()) {
        return Error{
            Code::Io, "the volume is erased, but the certificate cannot be written to " + input.certificate, {}};
    }
    const json::object verified = TRY(node_api::verified_certificate(text, std::nullopt));
    const json::object& what = verified.at("what").as_object();
    return print_record(context, {{"device", what.at("device")},
                                  {"volume_uuid", what.at("volume_uuid")},
                                  {"result", verified.at("result")},
                                  {"certificate", file},
                                  {"signed_by", verified.at("signed_by")}});
}

void add_erase(CLI::App& noun, CliContext& context) {
    const auto input = std::make_shared<EraseInput>();
    CLI::App& verb = add_verb(noun, context,
                              {"erase",
                               "Destroy all that a volume can be opened with, for good, and certify it; killed or "
                               "failed, the same command finishes it",
                               "sallyport volume erase /dev/vdb --key KEY_ID --yes --certificate erased.json"});
    verb.add_option("device", input->device, "Block device or image file")->required()->type_name("DEV");
    add_key_options(verb, input->key);
    verb.add_flag("--yes", input->yes, "Do it");
    verb.add_option("--volume", input->volume,
                    "The volume's id in Cinder: that it is registered with the key is then no obstacle")
        ->type_name("ID");
    verb.add_option("--certificate", input->certificate, "Write the certificate there too")->type_name("FILE");
    verb.add_option("--folder", input->folder, "Without an agent: where certificates and the key that signs them are")
        ->type_name("DIR");
    set_action(verb, context, [input, &context] { return erase(*input, context); });
}

struct CertificateInput {
    std::string file;
    std::string public_key;
};

Result<void> verify_certificate(const CertificateInput& input, CliContext& context) {
    std::optional<std::string> public_key;
    if (!input.public_key.empty()) public_key = TRY(text_of_file(input.public_key));
    const json::object verified = TRY(node_api::verified_certificate(TRY(text_of_file(input.file)), public_key));
    if (!public_key) remark(context, "the certificate is whole; compare signed_by with the node's key (--public-key)");
    return print_record(context, verified);
}

void add_certificate(CLI::App& volume, CliContext& context) {
    CLI::App& noun = add_noun(volume, "certificate", "Certificates of erased volumes");
    const auto input = std::make_shared<CertificateInput>();
    CLI::App& verb = add_verb(noun, context,
                              {"verify", "Is this certificate what the node signed? Needs no agent",
                               "sallyport volume certificate verify erased.json --public-key signing.pub"});
    verb.add_option("file", input->file, "Certificate of `volume erase`")->required()->type_name("FILE");
    verb.add_option("--public-key", input->public_key, "The node's signing.pub")->type_name("FILE");
    set_action(verb, context, [input, &context] { return verify_certificate(*input, context); });
}

// ---------------------------------------------------------------------------------------------------------- header

/// Which volume, and which version of its header.
json::object request_for(const HeaderInput& input) {
    json::object body;
    if (!input.device.empty()) body["device"] = path_for_agent(input.device);
    if (!input.uuid.empty()) body["uuid"] = input.uuid;
    if (input.version != 0) body["version"] = input.version;
    if (input.force) body["force"] = true;
    return body;
}

Result<void> backup(const HeaderInput& input, CliContext& context) {
    if (input.file.empty()) return print_record(context, TRY(ask_care(context, "header-backup", request_for(input))));
    const volume::HeaderBackup header = TRY(volume::header_of(volume::DevicePath(input.device)));
    TRY(volume::write_header_file(header, input.file));
    return print_record(context, {{"uuid", header.facts.uuid}, {"file", input.file}});
}

Result<void> list(const HeaderInput& input, CliContext& context) {
    if (input.device.empty() == input.uuid.empty())
        return wrong_usage(context, "name the device or the volume's --uuid");
    const json::object answer = TRY(ask_care(context, "header-list", request_for(input)));
    std::vector<Record> rows;
    if (const json::value* versions = answer.if_contains("versions"); versions != nullptr && versions->is_array()) {
        for (const json::value& version : versions->get_array()) {
            if (version.is_object()) rows.push_back(version.get_object());
        }
    }
    return print_list(context, {"version", "created", "reason", "device", "host", "size", "digest"}, rows);
}

Result<void> check(CliContext& context) {
    const json::object answer = TRY(ask_care(context, "header-check", {}));
    std::vector<Record> rows;
    if (const json::value* drift = answer.if_contains("drift"); drift != nullptr && drift->is_array()) {
        for (const json::value& one : drift->get_array()) {
            if (one.is_object()) rows.push_back(one.get_object());
        }
    }
    if (!rows.empty()) context.exit_status = ExitStatus::Failed;
    const json::value* checked = answer.if_contains("checked");
    remark(context,
           (checked != nullptr ? json::serialize(*checked) : "0") + " headers were compared with their copies");
    return print_list(context, {"uuid", "device", "state", "found"}, rows);
}

Result<void> export_header(const HeaderInput& input, CliContext& context) {
    if (input.device.empty() == input.uuid.empty())
        return wrong_usage(context, "name the device or the volume's --uuid");
    json::object body = request_for(input);
    body["destination"] = path_for_agent(input.file);
    return print_record(context, TRY(ask_care(context, "header-export", body)));
}

Result<void> restore(const HeaderInput& input, CliContext& context) {
    if (input.file.empty()) return print_record(context, TRY(ask_care(context, "header-restore", request_for(input))));
    if (input.version != 0 || !input.uuid.empty())
        return wrong_usage(context, "a file is restored as it is: no --header-version and no --uuid");
    const auto file = TRY(volume::File::open(volume::DevicePath(input.file), volume::File::Access::Read));
    const volume::HeaderBackup header = TRY(volume::read_header_backup(file, input.file));
    const auto report = TRY(volume::restore_header(header, volume::DevicePath(input.device), nullptr, input.force));
    return print_record(context, {{"device", input.device}, {"uuid", report.uuid}, {"file", input.file}});
}

void add_header_option(CLI::App& verb, const std::shared_ptr<HeaderInput>& input) {
    verb.add_option("--uuid", input->uuid, "The volume, where its device cannot say it any more")->type_name("UUID");
    verb.add_option("--header-version", input->version, "Which copy; the newest if it is not said")
        ->check(CLI::PositiveNumber)
        ->type_name("N");
}

void add_header_verbs(CLI::App& volume, CliContext& context) {
    CLI::App& noun = add_noun(volume, "header", "Copies of LUKS headers: without its header a volume is lost");
    {
        const auto input = std::make_shared<HeaderInput>();
        CLI::App& verb = add_verb(noun, context,
                                  {"backup", "Keep a copy of a header in the key manager, encrypted; or in a file",
                                   "sallyport volume header backup /dev/vdb\n"
                                   "sallyport volume header backup disk.img --file header.img"});
        verb.add_option("device", input->device, "Block device or image file")->required()->type_name("DEV");
        verb.add_option("--file", input->file, "Write it there, for cryptsetup luksHeaderRestore too; needs no agent")
            ->type_name("FILE");
        set_action(verb, context, [input, &context] { return backup(*input, context); });
    }
    {
        const auto input = std::make_shared<HeaderInput>();
        CLI::App& verb = add_verb(noun, context,
                                  {"list", "The copies that the key manager keeps, newest first",
                                   "sallyport volume header list /dev/vdb\n"
                                   "sallyport volume header list --uuid 0c5f6a5e-9d0e-4cf1-9a53-5d5a4a6e3c55"});
        verb.add_option("device", input->device, "Block device or image file")->type_name("DEV");
        verb.add_option("--uuid", input->uuid, "The volume instead of its device")->type_name("UUID");
        set_action(verb, context, [input, &context] { return list(*input, context); });
    }
    {
        CLI::App& verb =
            add_verb(noun, context,
                     {"check",
                      "Compare the headers of this node's volumes with their copies now, as the agent does "
                      "once a day; status 1 if any differs",
                      "sallyport volume header check"});
        set_action(verb, context, [&context] { return check(context); });
    }
    {
        const auto input = std::make_shared<HeaderInput>();
        CLI::App& verb = add_verb(noun, context,
                                  {"export", "Write a kept copy to a file that cryptsetup luksHeaderRestore takes",
                                   "sallyport volume header export /dev/vdb --file header.img"});
        verb.add_option("device", input->device, "Block device or image file")->type_name("DEV");
        verb.add_option("--file", input->file, "New file; the agent makes it")->required()->type_name("FILE");
        add_header_option(verb, input);
        set_action(verb, context, [input, &context] { return export_header(*input, context); });
    }
    {
        const auto input = std::make_shared<HeaderInput>();
        CLI::App& verb = add_verb(noun, context,
                                  {"restore", "Put a header back on its device; what is there is kept first",
                                   "sallyport volume header restore /dev/vdb\n"
                                   "sallyport volume header restore disk.img --file header.img"});
        verb.add_option("device", input->device, "Block device or image file")->required()->type_name("DEV");
        verb.add_option("--file", input->file,
                        "A file of `header backup` or `cryptsetup luksHeaderBackup`; needs no "
                        "agent")
            ->type_name("FILE");
        add_header_option(verb, input);
        verb.add_flag("--force", input->force, "Also where another volume's header, or something else, is");
        set_action(verb, context, [input, &context] { return restore(*input, context); });
    }
}

}  // namespace

void add_volume_care_commands(CLI::App& noun, CliContext& context) {
    add_rotate(noun, context);
    add_rekey_clone(noun, context);
    add_reencrypt(noun, context);
    add_erase(noun, context);
    add_certificate(noun, context);
    add_header_verbs(noun, context);
}

}  // namespace sallyport::cli
