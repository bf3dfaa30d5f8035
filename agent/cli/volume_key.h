#pragma once

#include "agent/cli/command.h"

namespace sallyport::cli {

/// `volume key create|clone|find|delete`: the keys of Cinder's volumes. `noun` is `volume`.
void add_volume_key_commands(CLI::App& noun, CliContext& context);

}  // namespace sallyport::cli
