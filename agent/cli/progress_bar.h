#pragma once

#include <boost/json/object.hpp>

#include <cstdint>
#include <functional>
#include <string>

#include "agent/cli/command.h"
#include "keymanager/base/result.h"

namespace sallyport::cli {

/// A bar on stderr, for people only: empty with --quiet or where stderr is no terminal.
std::function<void(std::uint64_t done, std::uint64_t total)> progress_bar(const CliContext& context);

/// POST to the agent for work that takes long: as ask_agent (volume_options.h), with a bar for a person who
/// waits, and with patience without end.
/// `target` is a whole path, "/sallyport/v1/volumes/encrypt".
Result<boost::json::object> ask_agent_with_progress(CliContext& context, const std::string& target,
                                                    boost::json::object body);

}  // namespace sallyport::cli
