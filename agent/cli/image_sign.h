#pragma once

#include "agent/cli/command.h"

namespace sallyport::cli {

/// `image sign FILE --key ID --certificate ID`: prints the four properties of the image's signature.
void add_image_sign(CLI::App& image, CliContext& context);

}  // namespace sallyport::cli
