#pragma once

#include "agent/cli/command.h"

namespace sallyport::cli {

/// `report` and `cleanup`: what is left for people to do. `noun` is `conf-key-manager`.
void add_migrate_finish_commands(CLI::App& noun, CliContext& context);

}  // namespace sallyport::cli
