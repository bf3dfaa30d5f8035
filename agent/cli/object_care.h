#pragma once

#include <CLI/CLI.hpp>

#include "agent/cli/command.h"

namespace sallyport::cli {

/// `object verify` and `object rekey`, under the noun `object`.
void add_object_care(CLI::App& noun, CliContext& context);

}  // namespace sallyport::cli
