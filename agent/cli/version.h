#pragma once

#include <string>

#include "agent/cli/command.h"

namespace sallyport::cli {

/// `sallyport version`
void add_version_command(CLI::App& root, CliContext& context);

/// "sallyport 0.1.0"
std::string version_text();

}  // namespace sallyport::cli
