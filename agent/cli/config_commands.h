#pragma once

#include "agent/cli/command.h"

namespace sallyport::cli {

/// `sallyport check-config`, and `generate-config`, which prints what is made from the table of options.
void add_config_commands(CLI::App& root, CliContext& context);

}  // namespace sallyport::cli
