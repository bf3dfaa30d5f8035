#pragma once

#include "agent/cli/command.h"

namespace sallyport::cli {

/// `sallyport migrate conf-key-manager plan|apply|verify|status`: off Cinder's all-zeros key.
void add_migrate_commands(CLI::App& root, CliContext& context);

}  // namespace sallyport::cli
