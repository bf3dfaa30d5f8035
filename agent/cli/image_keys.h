#pragma once

#include "agent/cli/command.h"

namespace sallyport::cli {

/// `image on-delete`, `image watch` and `image reconcile`, under the noun `image`.
void add_image_key_verbs(CLI::App& noun, CliContext& context);

}  // namespace sallyport::cli
