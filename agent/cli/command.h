#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "keymanager/base/result.h"

namespace CLI {
class App;
}

/// The command line. One file a noun: agent/cli/volume.h declares `add_volume_commands(CLI::App&, CliContext&)`, its
/// .cc holds the verbs; agent/cli/cli.cc calls them all. <CLI/CLI.hpp> is included by .cc files only.
namespace sallyport::cli {

/// What a process ends with. A promise to scripts.
enum class ExitStatus : int {
    Done = 0,
    Failed = 1,      ///< refused or failed; one line on stderr says what
    WrongUsage = 2,  ///< the command line makes no sense
    Partly = 3       ///< done in part (or, where a verb says so, a third outcome)
};

enum class OutputFormat {
    Automatic,  ///< a table on a terminal, else JSON
    Table,
    Json,
    Value,  ///< bare values: one a line for a record, blank-separated for a list
    Yaml
};

/// What every command shares. Made by run_cli, outlives all actions.
struct CliContext {
    std::string config_file = "/etc/sallyport/agent.yaml";
    OutputFormat format = OutputFormat::Automatic;
    std::vector<std::string> columns;  ///< those to print, in this order; empty: all
    bool quiet = false;                ///< no progress, no remarks
    bool verbose = false;              ///< an error's detail too
    bool insecure_allow_unlocked_memory = false;
    ExitStatus exit_status = ExitStatus::Done;  ///< set by an action that ends otherwise than done or failed

    // Filled by the parser; run_cli uses them.
    std::function<Result<void>()> action;
    bool opens_arena_itself = false;  ///< `serve`: the arena's size is in the configuration
};

/// A level that only groups others: `sallyport volume`, `sallyport volume header`. It needs one of its verbs.
CLI::App& add_noun(CLI::App& parent, const std::string& name, const std::string& description);

/// How a verb presents itself in --help.
struct VerbText {
    std::string name;
    std::string description;
    std::string example;  ///< whole lines as an operator types them, "sallyport volume inspect disk.img -f json"
};

/// A command that does something, with the options that all have (--config, -f, -c, --quiet, --verbose, --help).
/// The caller adds its own options and then calls set_action.
CLI::App& add_verb(CLI::App& parent, CliContext& context, const VerbText& text);

/// What runs if this verb was chosen. The secure arena is open by then. Options live in a shared_ptr that the action
/// captures (owners: the parser's bindings by address and the action, both as long as run_cli).
/// An Error ends the process with status 1 and its message on one line of stderr.
void set_action(CLI::App& verb, CliContext& context, std::function<Result<void>()> action);

/// For combinations of options that the parser cannot judge: `return wrong_usage(context, "--key or --key-file?");`
Error wrong_usage(CliContext& context, std::string message);

}  // namespace sallyport::cli
