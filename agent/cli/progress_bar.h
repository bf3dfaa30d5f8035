#pragma once

#include <boost/json/object.hpp>

#include <cstdint>
#include <functional>
#include <string_view>

#include "agent/cli/command.h"
#include "keymanager/base/result.h"

namespace sallyport::cli {

/// A bar on stderr, for people only: empty with --quiet or where stderr is no terminal.
std::function<void(std::uint64_t done, std::uint64_t total)> progress_bar(const CliContext& context);

/// POST to the agent's volumes for work that takes long: as ask_agent (volume_options.h), with a bar for a person who
/// waits, and with patience without end.
Result<boost::json::object> ask_agent_with_progress(CliContext& context, std::string_view verb,
                                                    boost::json::object body);

}  // namespace sallyport::cli
