#pragma once

#include "agent/cli/command.h"

namespace sallyport::cli {

/// `sallyport status`
void add_status_command(CLI::App& root, CliContext& context);

}  // namespace sallyport::cli
