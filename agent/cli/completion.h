#pragma once

#include "agent/cli/command.h"

namespace sallyport::cli {

/// `sallyport completion bash|zsh|fish`: a script made from the commands and options as they are declared.
void add_completion_command(CLI::App& root, CliContext& context);

}  // namespace sallyport::cli
