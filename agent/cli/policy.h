#pragma once

#include "agent/cli/command.h"

namespace sallyport::cli {

/// `policy show|check|generate`: the rules in force, offline.
void add_policy_commands(CLI::App& root, CliContext& context);

}  // namespace sallyport::cli
