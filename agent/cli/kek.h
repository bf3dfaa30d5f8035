#pragma once

#include <string>

#include "agent/cli/command.h"
#include "keymanager/base/result.h"

namespace sallyport::cli {

/// `sallyport kek generate|status|rotate|rewrap`
void add_kek_commands(CLI::App& root, CliContext& context);

/// A master key as Barbican writes it: 32 random bytes as 44 characters of urlsafe base64, in a new file of mode 0400.
Result<void> generate_kek(const std::string& path);

}  // namespace sallyport::cli
