#pragma once

#include "agent/cli/command.h"

namespace sallyport::cli {

/// `sallyport object`: status, inspect.
void add_object_commands(CLI::App& root, CliContext& context);

}  // namespace sallyport::cli
