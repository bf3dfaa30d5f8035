#pragma once

#include "agent/cli/command.h"

namespace sallyport::cli {

/// `sallyport project remove`.
void add_project_commands(CLI::App& root, CliContext& context);

}  // namespace sallyport::cli
