#include "agent/cli/volume_key.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include <memory>
#include <string>
#include <string_view>

#include "agent/cli/agent_client.h"
#include "agent/cli/output.h"

namespace sallyport::cli {
namespace {

namespace json = boost::json;

struct VolumeKeyOptions {
    std::string volume;
    std::string key_id;
    std::string cipher = "aes-xts-plain64";
    int key_size = 256;
};

Result<json::object> ask(CliContext& context, std::string_view verb, const json::object& body) {
    AgentClient agent = TRY(AgentClient::from_config(context));
    const json::value answer = TRY(agent.call("POST", fmt::format("/sallyport/v1/volume-keys/{}", verb), body));
    if (!answer.is_object()) return Error{Code::Internal, "the agent's answer is no JSON object", {}};
    return answer.get_object();
}

Result<void> create(CliContext& context, const VolumeKeyOptions& options) {
    return print_record(
        context, TRY(ask(context, "create",
                         {{"volume", options.volume}, {"cipher", options.cipher}, {"key_size", options.key_size}})));
}

Result<void> clone(CliContext& context, const VolumeKeyOptions& options) {
    return print_record(context, TRY(ask(context, "clone", {{"volume", options.volume}, {"source", options.key_id}})));
}

Result<void> find(CliContext& context, const VolumeKeyOptions& options) {
    const json::object answer = TRY(ask(context, "find", {{"volume", options.volume}}));
    std::vector<Record> rows;
    for (const json::value& id : answer.at("secrets").as_array()) {
        rows.push_back({{"volume", options.volume}, {"secret", id}});
    }
    return print_list(context, {"volume", "secret"}, rows);
}

Result<void> remove(CliContext& context, const VolumeKeyOptions& options) {
    TRY(ask(context, "delete", {{"volume", options.volume}, {"secret", options.key_id}}));
    return {};
}

using Action = Result<void> (*)(CliContext&, const VolumeKeyOptions&);

/// A verb about one volume.
CLI::App& add(CLI::App& noun, CliContext& context, const VerbText& text, Action action,
              const std::shared_ptr<VolumeKeyOptions>& options) {
    CLI::App& verb = add_verb(noun, context, text);
    verb.add_option("--volume", options->volume, "The volume's id in Cinder")->required();
    set_action(verb, context, [options, action, &context] { return action(context, *options); });
    return verb;
}

}  // namespace

void add_volume_key_commands(CLI::App& volume, CliContext& context) {
    CLI::App& noun = add_noun(volume, "key", "The keys of Cinder's volumes, one a volume, found by the volume's id");

    const auto made = std::make_shared<VolumeKeyOptions>();
    CLI::App& creating =
        add(noun, context,
            {"create", "Order the key of a new volume as its type says, and register the volume with it",
             "sallyport volume key create --volume VOLUME_ID --key-size 512"},
            create, made);
    creating.add_option("--cipher", made->cipher, "The type's cipher")->capture_default_str();
    creating.add_option("--key-size", made->key_size, "The type's key size in bits")->capture_default_str();

    const auto cloned = std::make_shared<VolumeKeyOptions>();
    CLI::App& cloning =
        add(noun, context,
            {"clone", "Order a key like another volume's for its clone (then `volume rotate` the clone)",
             "sallyport volume key clone --volume CLONE_ID --key KEY_ID"},
            clone, cloned);
    cloning.add_option("--key", cloned->key_id, "The key of the volume that was cloned")->required();

    const auto found = std::make_shared<VolumeKeyOptions>();
    add(noun, context, {"find", "Which key a volume has", "sallyport volume key find --volume VOLUME_ID"}, find, found);

    const auto gone = std::make_shared<VolumeKeyOptions>();
    CLI::App& deleting = add(noun, context,
                             {"delete", "Delete a volume's key; refused while anything else is registered with it",
                              "sallyport volume key delete --volume VOLUME_ID --key KEY_ID"},
                             remove, gone);
    deleting.add_option("--key", gone->key_id, "The volume's key")->required();
}

}  // namespace sallyport::cli
