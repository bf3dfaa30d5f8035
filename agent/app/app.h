#pragma once

#include "agent/config/config.h"
#include "keymanager/base/result.h"

namespace sallyport::app {

/// The composition root: builds the agent that `config` describes (arena, log, database, key manager, lanes, doors),
/// tells systemd that it is ready, and serves until SIGTERM or SIGINT. Then closes the doors, answers what is in
/// flight, drains the lanes and returns.
///
/// Call it once, from main, before there is any other thread: the arena comes first, and the signals are blocked for
/// all threads to come. Error: whatever keeps the agent from starting, naming the option to change; nothing is served
/// then. `Unavailable` if a stop ran out of its time and connections were cut.
Result<void> run_agent(const config::Config& config);

}  // namespace sallyport::app
