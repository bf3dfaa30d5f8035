#include "agent/cli/policy.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "agent/app/policy.h"
#include "agent/cli/output.h"
#include "agent/config/config.h"
#include "keymanager/core/access_policy.h"
#include "keymanager/core/default_policy.h"
#include "keymanager/core/policy_report.h"

namespace sallyport::cli {
namespace {

/// Which policy is meant: the configuration's, or one that is named by options and needs no configuration.
struct PolicySource {
    std::string file;
    bool new_defaults = false;
    bool old_defaults = false;
};

void add_source_options(CLI::App& verb, PolicySource& source) {
    verb.add_option("--policy-file", source.file, "This policy file instead of the configuration's");
    auto* wants_new =
        verb.add_flag("--new-defaults", source.new_defaults, "Over the new defaults, whatever the configuration says");
    verb.add_flag("--old-defaults", source.old_defaults, "Over the older defaults, whatever the configuration says")
        ->excludes(wants_new);
}

struct LoadedPolicy {
    core::AccessPolicy policy;
    bool new_defaults;
};

Result<LoadedPolicy> load(const PolicySource& source, const CliContext& context) {
    std::string file = source.file;
    bool new_defaults = source.new_defaults;
    // What the options leave open is the configuration's to say. A machine without one has Barbican's defaults.
    const bool open = file.empty() || !(source.new_defaults || source.old_defaults);
    const bool unconfigured =
        context.config_file == CliContext().config_file && ::access(context.config_file.c_str(), F_OK) != 0;
    if (open && !unconfigured) {
        const config::Config config = TRY(config::load_without_files(context.config_file));
        if (file.empty()) file = config.policy_file;
        if (!source.new_defaults && !source.old_defaults) new_defaults = config.new_rbac_defaults;
    }
    core::AccessPolicy policy = TRY(app::load_policy(file, new_defaults));
    for (const std::string& name : core::idle_rules(policy)) remark(context, app::idle_rule_text(name));
    return LoadedPolicy{std::move(policy), new_defaults};
}

bool is_action(std::string_view name) {
    const core::DefaultRule* rule = core::find_default_rule(name);
    return rule != nullptr && !rule->about.empty();
}

// --- show ------------------------------------------------------------------------------------------------------------

Result<void> show(const PolicySource& source, CliContext& context) {
    const LoadedPolicy loaded = TRY(load(source, context));
    std::vector<Record> rows;
    for (const core::PolicyRule& rule : loaded.policy.rules()) {
        const core::DefaultRule* known = core::find_default_rule(rule.name);
        const std::string_view usual = known == nullptr ? "" : known->check_with(loaded.new_defaults);
        Record row{{"rule", rule.name}};
        if (known != nullptr) row["default"] = usual;
        row["in_force"] = rule.check;
        row["changed"] = rule.check != usual;
        if (is_action(rule.name)) row["effect"] = core::policy_effect(loaded.policy, rule.name);
        rows.push_back(std::move(row));
    }
    return print_list(context, {"rule", "default", "in_force", "changed", "effect"}, rows);
}

void add_show(CLI::App& noun, CliContext& context) {
    const auto source = std::make_shared<PolicySource>();
    CLI::App& verb = add_verb(noun, context,
                              {"show", "Every rule, its default, what holds, and which roles that lets in (offline)",
                               "sallyport policy show -c rule -c effect"});
    add_source_options(verb, *source);
    set_action(verb, context, [source, &context] { return show(*source, context); });
}

// --- check -----------------------------------------------------------------------------------------------------------

struct CheckOptions {
    PolicySource source;
    std::string action;
    core::PolicyQuestion question;
};

/// The object that is meant, in words.
std::string object_of(const core::PolicyQuestion& question) {
    return fmt::format("{}{} project's, made by {}{}", question.is_private ? "private, " : "",
                       question.foreign ? "another" : "the caller's", question.own ? "the caller" : "another user",
                       question.listed ? ", its access list names the caller" : "");
}

Record answer_row(const LoadedPolicy& loaded, std::string_view action, const core::PolicyQuestion& question) {
    const std::vector<std::string> roles = core::with_implied_roles(question.roles);
    return {{"action", action},
            {"roles", fmt::format("{}", fmt::join(roles, ", "))},
            {"object", object_of(question)},
            {"allowed", core::answer(loaded.policy, action, question)}};
}

Result<void> check_all(const CheckOptions& options, CliContext& context) {
    const LoadedPolicy loaded = TRY(load(options.source, context));
    std::vector<Record> rows;
    for (const auto& rules : {core::default_policy(), core::own_policy()}) {
        for (const core::DefaultRule& rule : rules) {
            if (is_action(rule.name)) rows.push_back(answer_row(loaded, rule.name, options.question));
        }
    }
    return print_list(context, {"action", "roles", "object", "allowed"}, rows);
}

Result<void> check_one(const CheckOptions& options, CliContext& context) {
    if (!is_action(options.action)) {
        return wrong_usage(
            context, fmt::format("there is no action '{}' (sallyport policy show -c rule lists them)", options.action));
    }
    const LoadedPolicy loaded = TRY(load(options.source, context));
    const Record row = answer_row(loaded, options.action, options.question);
    TRY(print_record(context, row));
    if (row.at("allowed").as_bool()) return {};
    std::cout.flush();
    return Error{Code::Forbidden,
                 fmt::format("{} is refused to {}; `sallyport policy show` tells who may", options.action,
                             std::string_view(row.at("roles").as_string())),
                 {}};
}

void add_check(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<CheckOptions>();
    CLI::App& verb = add_verb(noun, context,
                              {"check",
                               "May a role do this? (offline) Exit status 0: yes, 1: no. The object is one of the "
                               "caller's project that another user made, unless options say otherwise",
                               "sallyport policy check --role observer --action secret:decrypt"});
    core::PolicyQuestion& question = options->question;
    verb.add_option("--role", question.roles, "A role of the caller; may be given again")->required();
    verb.add_option("--action", options->action, "What is asked for, such as secret:get; without it: every action");
    verb.add_flag("--own", question.own, "The caller made the object");
    verb.add_flag("--private", question.is_private, "Its access list says project-access: false");
    verb.add_flag("--listed", question.listed, "Its access list names the caller");
    verb.add_flag("--foreign", question.foreign, "It belongs to another project");
    verb.add_flag("--system", question.system, "The caller's token is for the whole deployment, not for a project");
    add_source_options(verb, options->source);
    set_action(verb, context, [options, &context] {
        return options->action.empty() ? check_all(*options, context) : check_one(*options, context);
    });
}

// --- generate --------------------------------------------------------------------------------------------------------

struct GenerateOptions {
    PolicySource source;
    bool in_force = false;
};

Result<void> generate(const GenerateOptions& options, CliContext& context) {
    if (!options.in_force) {
        std::cout << core::policy_sample(options.source.new_defaults);
        return {};
    }
    const LoadedPolicy loaded = TRY(load(options.source, context));
    std::cout << core::policy_file_of(loaded.policy);
    return {};
}

void add_generate(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<GenerateOptions>();
    CLI::App& verb = add_verb(noun, context,
                              {"generate",
                               "A sample policy file: every default, commented out (offline); with --in-force, the "
                               "rules that hold, defaults and policy file in one",
                               "sallyport policy generate > policy.yaml"});
    verb.add_flag("--in-force", options->in_force, "What holds on this node instead of a sample");
    add_source_options(verb, options->source);
    set_action(verb, context, [options, &context] { return generate(*options, context); });
}

}  // namespace

void add_policy_commands(CLI::App& root, CliContext& context) {
    CLI::App& noun = add_noun(root, "policy", "Which roles may do what");
    add_show(noun, context);
    add_check(noun, context);
    add_generate(noun, context);
}

}  // namespace sallyport::cli
