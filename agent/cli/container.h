#pragma once

#include "agent/cli/command.h"

namespace sallyport::cli {

/// `sallyport container create|get|list|delete`
void add_container_commands(CLI::App& root, CliContext& context);

}  // namespace sallyport::cli
