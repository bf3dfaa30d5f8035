#pragma once

#include "agent/cli/command.h"

namespace sallyport::cli {

/// `sallyport secret store|get|list|update|delete|consumers`
void add_secret_commands(CLI::App& root, CliContext& context);

}  // namespace sallyport::cli
