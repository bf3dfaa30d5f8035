#pragma once

#include <memory>
#include <string>

#include "agent/auth/authenticator.h"
#include "agent/config/config.h"
#include "keymanager/base/clock.h"

namespace sallyport::auth {

/// Everybody that the configuration lets call, as one authenticator. What a request shows decides who answers for it:
/// a token, if Keystone is configured; else X-Project-Id, if that is believed; else the credentials of a UNIX socket.
/// A token that is refused is refused: nothing else is tried. Error: that of make_keystone.
Result<std::unique_ptr<Authenticator>> make_authenticator(const config::Auth& config, const Clock& clock);

/// Where a 401 sends clients for a token; empty if there is no Keystone.
std::string www_authenticate_uri(const config::Auth& config);

}  // namespace sallyport::auth
