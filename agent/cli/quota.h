#pragma once

#include "agent/cli/command.h"

namespace sallyport::cli {

/// `sallyport quota get|list|set|delete`
void add_quota_commands(CLI::App& root, CliContext& context);

}  // namespace sallyport::cli
