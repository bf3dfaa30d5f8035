#include "agent/cli/image_keys.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>

#include "agent/cli/agent_client.h"
#include "agent/cli/image_watch.h"
#include "agent/cli/output.h"
#include "integrations/image/notification.h"

namespace sallyport::cli {
namespace {

namespace json = boost::json;

/// Walks through all images of a large cloud.
constexpr std::chrono::hours WalkPatience{1};

std::string text_at(const json::value& object, std::string_view member) {
    const json::value* value = object.is_object() ? object.get_object().if_contains(member) : nullptr;
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

// on-delete

struct OnDeleteOptions {
    std::string properties;
    std::string image;
    std::string project;
};

Result<std::string> whole_text(const std::string& path) {
    if (path == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
    std::ifstream file(path);
    std::string text(std::istreambuf_iterator<char>(file), {});
    if (!file && !file.eof()) return Error{Code::Io, path + ": cannot be read", {}};
    if (text.empty()) return Error{Code::InvalidInput, path + ": is empty, or not there", {}};
    return text;
}

/// What is known of the image: its properties alone, Glance's description of it, or its notification.
Result<model::ImageKey> image_of(const OnDeleteOptions& options) {
    const std::string text = TRY(whole_text(options.properties));
    json::error_code failed;
    const json::value parsed = json::parse(text, failed);
    if (failed || !parsed.is_object()) {
        return Error{Code::InvalidInput, options.properties + ": no JSON object", failed.message()};
    }
    const json::object& object = parsed.get_object();
    model::ImageKey image = image::image_key_of(object);
    if (object.contains("oslo.message") || object.contains("event_type")) {
        auto deleted = TRY(image::deleted_image_of(text));
        if (!deleted) return Error{Code::InvalidInput, options.properties + ": no image.delete notification", {}};
        image = *std::move(deleted);
    }
    if (!options.image.empty()) image.image = options.image;
    if (!options.project.empty()) image.project = ProjectId(options.project);
    return image;
}

Result<void> on_delete(CliContext& context, const OnDeleteOptions& options) {
    const model::ImageKey image = TRY(image_of(options));
    if (image.image.empty()) return wrong_usage(context, "the properties do not name the image: --image ID");
    AgentClient agent = TRY(AgentClient::from_config(context));
    const json::value answer = TRY(tell_agent(agent, image));
    const std::string outcome = text_at(answer, "outcome");
    const std::string reason = text_at(answer, "reason");
    TRY(print_record(context, {{"image", image.image},
                               {"key", image.secret.str()},
                               {"outcome", outcome},
                               {"rule", text_at(answer, "rule")},
                               {"reason", reason}}));
    if (outcome == "kept") return Error{Code::Refused, "the key stays: " + reason, {}};
    if (outcome == "waiting") {
        context.exit_status = ExitStatus::Partly;
        remark(context, "not settled yet; the agent tries again: " + reason);
    } else if (outcome == "deleted") {
        remark(context, fmt::format("sallyport secret undelete {} brings it back", image.secret.str()));
    }
    return {};
}

void add_on_delete(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<OnDeleteOptions>();
    CLI::App& verb = add_verb(
        noun, context,
        {"on-delete", "Delete the key of an image that is gone, if its deletion policy and all other rules allow it",
         "sallyport image on-delete --properties P.json --image ID --project ID"});
    verb.add_option("--properties", options->properties,
                    "JSON: the image's properties, Glance's description of it, or its notification; -: standard input")
        ->required()
        ->type_name("FILE");
    verb.add_option("--image", options->image, "The image, if the file does not name it")->type_name("ID");
    verb.add_option("--project", options->project, "The project that owns it, if the file does not name it")
        ->type_name("ID");
    set_action(verb, context, [options, &context] { return on_delete(context, *options); });
}

// reconcile

Result<void> reconcile(CliContext& context, bool apply) {
    AgentClient agent = TRY(AgentClient::from_config(context));
    agent.set_patience(WalkPatience);
    const json::value answer =
        TRY(agent.call("POST", "/sallyport/v1/images/reconcile", json::object{{"apply", apply}}));
    const json::value* findings = answer.is_object() ? answer.get_object().if_contains("findings") : nullptr;
    if (findings == nullptr || !findings->is_array()) {
        return Error{Code::Corrupt, "the agent's answer has no findings", {}};
    }
    std::vector<Record> rows;
    std::size_t left = 0;
    std::size_t deletable = 0;
    for (const json::value& finding : findings->get_array()) {
        const std::string action = text_at(finding, "action");
        if (action != "deleted") ++left;
        if (action == "to be deleted") ++deletable;
        rows.push_back(finding.as_object());
    }
    TRY(print_list(context, {"kind", "image", "project", "key", "what", "action"}, rows));
    if (apply && left > 0) context.exit_status = ExitStatus::Partly;
    if (!apply && deletable > 0) {
        remark(context, fmt::format("{} orphaned keys; nothing was changed: --apply deletes them", deletable));
    }
    return {};
}

void add_reconcile(CLI::App& noun, CliContext& context) {
    const auto apply = std::make_shared<bool>(false);
    CLI::App& verb = add_verb(
        noun, context,
        {"reconcile", "Orphaned keys (their image is gone) and dangling images (their key is gone, or all zeros)",
         "sallyport image reconcile\n  sallyport image reconcile --apply"});
    verb.add_flag("--apply", *apply, "Delete orphaned keys, as on-delete would; without it nothing is changed");
    set_action(verb, context, [apply, &context] { return reconcile(context, *apply); });
}

}  // namespace

void add_image_key_verbs(CLI::App& noun, CliContext& context) {
    add_on_delete(noun, context);
    add_image_watch(noun, context);
    add_reconcile(noun, context);
}

}  // namespace sallyport::cli
