#pragma once

#include "agent/cli/command.h"

namespace sallyport::cli {

/// `image verify FILE --properties P.json`: status 0 verified, 1 refused, 3 unsigned.
void add_image_verify(CLI::App& image, CliContext& context);

}  // namespace sallyport::cli
