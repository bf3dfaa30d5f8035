#pragma once

#include "agent/cli/command.h"

namespace sallyport::cli {

/// `image`: signatures of Glance's images, and the keys of encrypted ones.
void add_image_commands(CLI::App& root, CliContext& context);

}  // namespace sallyport::cli
