#pragma once

#include "agent/cli/command.h"

namespace sallyport::cli {

/// `sallyport acl get|submit|delete` and `sallyport acl user add|remove`, for secrets and containers.
void add_acl_commands(CLI::App& root, CliContext& context);

}  // namespace sallyport::cli
