#pragma once

#include "agent/cli/command.h"

namespace sallyport::cli {

/// `sallyport db create`
void add_db_commands(CLI::App& root, CliContext& context);

}  // namespace sallyport::cli
