#pragma once

#include <memory>
#include <vector>

#include "agent/auth/authenticator.h"
#include "agent/config/config.h"

namespace sallyport::auth {

/// Callers on a UNIX socket by what the kernel says of their process (SO_PEERCRED, SO_PEERGROUPS): the first entry that
/// fits gives project and roles. Names of users and groups are looked up once, here; one that this machine does not
/// know fits nobody. The caller's user id is "uid:1000".
std::unique_ptr<Authenticator> make_peer_credentials(const std::vector<config::Peer>& peers);

}  // namespace sallyport::auth
