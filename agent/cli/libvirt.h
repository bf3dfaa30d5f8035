#pragma once

#include "agent/cli/command.h"

namespace sallyport::cli {

/// `sallyport libvirt inject | list | drop`: the secrets of this node's hypervisor, through the running agent.
void add_libvirt_commands(CLI::App& root, CliContext& context);

}  // namespace sallyport::cli
