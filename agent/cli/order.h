#pragma once

#include "agent/cli/command.h"

namespace sallyport::cli {

/// `sallyport order create|get|list|delete`
void add_order_commands(CLI::App& root, CliContext& context);

}  // namespace sallyport::cli
