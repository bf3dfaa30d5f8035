#include "agent/cli/command.h"

#include <CLI/CLI.hpp>

#include <map>
#include <utility>

namespace sallyport::cli {
namespace {

const std::map<std::string, OutputFormat> Formats = {{"table", OutputFormat::Table},
                                                     {"json", OutputFormat::Json},
                                                     {"value", OutputFormat::Value},
                                                     {"yaml", OutputFormat::Yaml}};

void add_common_options(CLI::App& verb, CliContext& context) {
    // Each option appends to its own group, so a verb's own options stay first in --help.
    const char* const group = "Common options";
    verb.add_option("--config", context.config_file, "The agent's configuration")->type_name("FILE")->group(group);
    verb.add_option_function<std::string>(
            "-f,--format", [&context](const std::string& word) { context.format = Formats.at(word); },
            "table, json, value or yaml (default: table on a terminal, else json)")
        ->check(CLI::IsMember({"table", "json", "value", "yaml"}))
        ->type_name("FORMAT")
        ->group(group);
    verb.add_option("-c,--column", context.columns, "Print this column only; may be given again")
        ->type_name("NAME")
        ->expected(1)
        ->take_all()
        ->group(group);
    verb.add_flag("-q,--quiet", context.quiet, "No progress and no remarks")->group(group);
    verb.add_flag("-v,--verbose", context.verbose, "More about an error")->group(group);
    verb.add_flag("--insecure-allow-unlocked-memory", context.insecure_allow_unlocked_memory,
                  "Go on if memory for secrets cannot be locked (it may then be swapped out)")
        ->group(group);
    verb.set_help_flag("-h,--help", "This text")->group(group);
}

}  // namespace

CLI::App& add_noun(CLI::App& parent, const std::string& name, const std::string& description) {
    CLI::App& noun = *parent.add_subcommand(name, description);
    noun.require_subcommand(1);
    noun.footer("");  // not its parent's: the example of its first verb follows
    noun.set_help_flag("-h,--help", "This text");
    return noun;
}

CLI::App& add_verb(CLI::App& parent, CliContext& context, const VerbText& text) {
    CLI::App& verb = *parent.add_subcommand(text.name, text.description);
    verb.footer("Example:\n  " + text.example);
    for (CLI::App* level = &parent; level != nullptr && level->get_footer().empty(); level = level->get_parent()) {
        level->footer("Example:\n  " + text.example);
    }
    add_common_options(verb, context);
    return verb;
}

void set_action(CLI::App& verb, CliContext& context, std::function<Result<void>()> action) {
    verb.callback([&context, action = std::move(action)] { context.action = action; });
}

Error wrong_usage(CliContext& context, std::string message) {
    context.exit_status = ExitStatus::WrongUsage;
    return Error{Code::InvalidInput, std::move(message), {}};
}

}  // namespace sallyport::cli
