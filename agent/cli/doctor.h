#pragma once

#include "agent/cli/command.h"

namespace sallyport::cli {

/// `sallyport doctor`
void add_doctor_command(CLI::App& root, CliContext& context);

}  // namespace sallyport::cli
