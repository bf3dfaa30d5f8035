#pragma once

#include <memory>

#include "agent/auth/authenticator.h"

namespace sallyport::auth {

/// Believes X-Project-Id, X-Roles (comma-separated; admin if there are none) and X-User-Id, as Barbican's
/// unauthenticated pipeline does. The configuration allows it on loopback and UNIX sockets only.
/// Error of authenticate: `InvalidInput` without X-Project-Id.
std::unique_ptr<Authenticator> make_no_auth();

}  // namespace sallyport::auth
