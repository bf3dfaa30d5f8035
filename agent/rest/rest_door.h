#pragma once

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <string>
#include <vector>

#include "agent/audit/request_audit.h"
#include "agent/auth/authenticator.h"
#include "agent/http/route.h"
#include "agent/lanes/lane.h"
#include "keymanager/api/router.h"

namespace sallyport::rest {

struct RestConfig {
    std::size_t request_bytes = 25000;       ///< longer bodies are read truncated, as Barbican does
    std::string www_authenticate_uri;        ///< where a 401 sends clients for a token
    std::size_t node_request_bytes = 65536;  ///< the same for node routes, whose callers are local
    audit::RequestAudit* audit = nullptr;    ///< nullptr: nothing is audited; outlives the door
};

/// The REST door: finds out who is calling, reads the body, asks the router on the lane `keys`, answers.
/// Node routes (volumes, hypervisor) are served on UNIX sockets alone: the kernel vouches for their callers; elsewhere
/// they do not exist. Thread-safe.
class RestDoor {
public:
    /// All must outlive this.
    RestDoor(const api::Router& router, auth::Authenticator& authenticator, lanes::Lane& keys, RestConfig config,
             std::vector<http::Route> node_routes);

    /// What the server serves. This must outlive it.
    http::StreamHandler handler();

private:
    boost::asio::awaitable<void> serve(http::Exchange& exchange);
    boost::asio::awaitable<api::Response> answer(http::Exchange& exchange);
    boost::asio::awaitable<api::Response> answer_node(const http::Route& route, http::Exchange& exchange);
    boost::asio::awaitable<Result<core::Caller>> authenticate(http::Exchange& exchange);
    /// The router's answer with its line in the audit log, or a refusal in its place. Blocks.
    api::Response answer_audited(const api::Request& request, const core::Caller* caller, const http::Peer& peer) const;
    api::Response refusal(const api::Request& request, const Error& error) const;
    const http::Route* node_route(http::Exchange& exchange) const;

    const api::Router& router_;
    auth::Authenticator& authenticator_;
    lanes::Lane& keys_;
    RestConfig config_;
    std::vector<http::Route> node_routes_;
};

/// The route with the longest prefix that `path` lies under; nullptr if there is none.
const http::Route* find_route(const std::vector<http::Route>& routes, std::string_view target);

}  // namespace sallyport::rest
