#pragma once

#include <functional>
#include <memory>

#include "agent/auth/authenticator.h"
#include "agent/auth/token_cache.h"
#include "agent/config/config.h"
#include "keymanager/base/clock.h"

namespace sallyport::auth {

/// Callers by their X-Auth-Token, which Keystone vouches for. What it says is believed for a bounded time (good tokens
/// never beyond their own life, refused ones briefly), so its being away stops only callers that are not known yet.
/// `steady` is the clock of the cache.
Result<std::unique_ptr<Authenticator>> make_keystone(
    const config::Keystone& config, const Clock& clock,
    std::function<SteadyTime()> steady = std::chrono::steady_clock::now);

}  // namespace sallyport::auth
