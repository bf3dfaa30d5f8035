#pragma once

#include "agent/cli/command.h"

namespace sallyport::cli {

/// `sallyport serve`: runs the agent until SIGTERM or SIGINT.
void add_serve_command(CLI::App& root, CliContext& context);

}  // namespace sallyport::cli
