#pragma once

#include "agent/cli/command.h"

namespace sallyport::cli {

/// `sallyport volume inspect|format|open|close|status|test|encrypt|decrypt`. With --key-file or --passphrase-file a
/// command does the work itself; with --key ID the agent does it, and no key leaves it.
void add_volume_commands(CLI::App& root, CliContext& context);

}  // namespace sallyport::cli
