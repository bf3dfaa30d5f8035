#pragma once

#include <boost/json/value.hpp>

#include "agent/cli/agent_client.h"
#include "agent/cli/command.h"
#include "keymanager/model/image.h"

namespace sallyport::cli {

/// `image watch`, under the noun `image`.
void add_image_watch(CLI::App& noun, CliContext& context);

/// Tells the agent that an image is gone. An answer, {outcome, rule, reason}, means that it will not forget it.
Result<boost::json::value> tell_agent(AgentClient& agent, const model::ImageKey& image);

}  // namespace sallyport::cli
