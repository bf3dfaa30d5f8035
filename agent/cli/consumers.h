#pragma once

#include "agent/cli/command.h"

namespace sallyport::cli {

/// `sallyport secret consumers list|create|delete`, below the noun `secret`.
void add_consumer_commands(CLI::App& secret, CliContext& context);

}  // namespace sallyport::cli
