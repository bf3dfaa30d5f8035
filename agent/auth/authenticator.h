#pragma once

#include <boost/asio/awaitable.hpp>

#include "agent/http/peer.h"
#include "keymanager/api/http_message.h"
#include "keymanager/base/result.h"
#include "keymanager/core/caller.h"

namespace sallyport::auth {

/// Finds out who is calling. Runs on an event loop: whatever blocks goes to a lane. Thread-safe.
class Authenticator {
public:
    virtual ~Authenticator() = default;
    /// `request` has no body yet: who is unknown cannot make us read one.
    /// Error: `Unauthenticated`; `Unavailable` if the identity service cannot be asked.
    virtual boost::asio::awaitable<Result<core::Caller>> authenticate(const api::Request& request,
                                                                      const http::Peer& peer) = 0;
};

}  // namespace sallyport::auth
