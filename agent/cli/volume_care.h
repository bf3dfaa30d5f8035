#pragma once

#include "agent/cli/command.h"

namespace sallyport::cli {

/// The verbs of `sallyport volume` that change a header or keep one: rotate, erase, header
/// backup|list|export|restore, certificate verify.
void add_volume_care_commands(CLI::App& noun, CliContext& context);

}  // namespace sallyport::cli
