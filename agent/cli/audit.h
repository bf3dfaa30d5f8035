#pragma once

#include "agent/cli/command.h"

namespace sallyport::cli {

/// `sallyport audit tail|verify`
void add_audit_commands(CLI::App& root, CliContext& context);

}  // namespace sallyport::cli
