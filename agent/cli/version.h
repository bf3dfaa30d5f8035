#pragma once

#include "agent/cli/command.h"

namespace sallyport::cli {

/// `sallyport version`
void add_version_command(CLI::App& root, CliContext& context);

}  // namespace sallyport::cli
