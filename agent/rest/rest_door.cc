#include "agent/rest/rest_door.h"

#include <optional>
#include <string_view>
#include <utility>

#include "agent/http/head.h"
#include "keymanager/base/log.h"

namespace sallyport::rest {
namespace {

namespace asio = boost::asio;

/// Reads run where they stand (Lane::run_brief); what writes waits for the disk and goes to the pool.
bool is_brief(const api::Request& request) { return request.method == "GET" || request.method == "HEAD"; }

}  // namespace

const http::Route* find_route(const std::vector<http::Route>& routes, std::string_view target) {
    const std::string_view path = target.substr(0, target.find('?'));
    const http::Route* longest = nullptr;
    for (const http::Route& route : routes) {
        const bool under =
            path.starts_with(route.prefix) && (path.size() == route.prefix.size() || path[route.prefix.size()] == '/');
        if (under && (longest == nullptr || route.prefix.size() > longest->prefix.size())) longest = &route;
    }
    return longest;
}

RestDoor::RestDoor(const api::Router& router, auth::Authenticator& authenticator, lanes::Lane& keys, RestConfig config,
                   std::vector<http::Route> node_routes)
    : router_(router),
      authenticator_(authenticator),
      keys_(keys),
      config_(std::move(config)),
      node_routes_(std::move(node_routes)) {}

http::StreamHandler RestDoor::handler() {
    return [this](http::Exchange& exchange) { return serve(exchange); };
}

asio::awaitable<void> RestDoor::serve(http::Exchange& exchange) {
    const http::Route* route = node_route(exchange);
    asio::awaitable<api::Response> answering = route != nullptr ? answer_node(*route, exchange) : answer(exchange);
    api::Response response = co_await std::move(answering);
    const http::ResponseHead head{response.status, std::move(response.headers)};
    // A client that has gone meanwhile is no failure of ours: the server closes its connection.
    (void)co_await exchange.respond(head, response.body.reveal());
}

asio::awaitable<api::Response> RestDoor::answer(http::Exchange& exchange) {
    api::Request& request = exchange.request();
    std::optional<core::Caller> caller;
    if (!api::Router::is_public(request)) {
        Result<core::Caller> known = co_await authenticate(exchange);
        if (!known) co_return refusal(request, known.error());
        caller.emplace(std::move(*known));
    }
    Result<SecureBytes> body = co_await exchange.read_whole_body(config_.request_bytes);
    if (!body) co_return refusal(request, body.error());
    request.body = std::move(*body);
    const core::Caller* who = caller ? &*caller : nullptr;
    // The request and the caller live in this coroutine, which waits for the call: nothing is copied.
    const auto call = [this, &request, who, &peer = exchange.peer()] { return answer_audited(request, who, peer); };
    auto calling = is_brief(request) ? keys_.run_brief(call) : keys_.run(call);
    Result<api::Response> response = co_await std::move(calling);
    if (!response) co_return refusal(request, response.error());
    co_return std::move(*response);
}

api::Response RestDoor::answer_audited(const api::Request& request, const core::Caller* caller,
                                       const http::Peer& peer) const {
    const LogScope scope(request.request_id);
    if (config_.audit == nullptr) return router_.handle(request, caller);
    const auto admitted = config_.audit->admit(request);
    if (!admitted) return refusal(request, admitted.error());
    api::Response response = router_.handle(request, caller);
    const auto recorded = config_.audit->record(request, caller, peer, response);
    if (!recorded) return refusal(request, recorded.error());
    return response;
}

asio::awaitable<api::Response> RestDoor::answer_node(const http::Route& route, http::Exchange& exchange) {
    api::Request& request = exchange.request();
    const Result<core::Caller> caller = co_await authenticate(exchange);
    if (!caller) co_return refusal(request, caller.error());
    Result<SecureBytes> body = co_await exchange.read_whole_body(config_.node_request_bytes);
    if (!body) co_return refusal(request, body.error());
    request.body = std::move(*body);
    if (config_.audit != nullptr) {
        const Result<void> admitted = co_await keys_.run([this, &request] { return config_.audit->admit(request); });
        if (!admitted) co_return refusal(request, admitted.error());
    }
    api::Response response = co_await route.handler(request, *caller);
    if (config_.audit != nullptr) {
        const auto write = [this, &request, &caller, &exchange, &response] {
            return config_.audit->record(request, &*caller, exchange.peer(), response);
        };
        Result<void> recorded = co_await keys_.run(write);
        // What has happened gets its line, even if the loop has to wait for it.
        if (!recorded && recorded.error().code == Code::Overloaded) recorded = write();
        if (!recorded) co_return refusal(request, recorded.error());
    }
    co_return std::move(response);
}

asio::awaitable<Result<core::Caller>> RestDoor::authenticate(http::Exchange& exchange) {
    Result<core::Caller> caller = co_await authenticator_.authenticate(exchange.request(), exchange.peer());
    if (!caller) {
        const Error& error = caller.error();
        const LogScope scope(exchange.request().request_id);
        log_info("rest: {}: {}: {} ({})", exchange.peer().address, exchange.request().method, error.message,
                 error.detail);
    }
    co_return std::move(caller);
}

api::Response RestDoor::refusal(const api::Request& request, const Error& error) const {
    if (error.code == Code::Unauthenticated) return api::unauthenticated(request, config_.www_authenticate_uri);
    api::Response response = api::error_response(request, error);
    // RFC 9110, section 10.2.3: queues drain in well under a second.
    if (response.status == 503 && http::find_header(response.headers, "retry-after") == nullptr) {
        response.headers.emplace_back("Retry-After", "1");
    }
    return response;
}

const http::Route* RestDoor::node_route(http::Exchange& exchange) const {
    if (node_routes_.empty() || exchange.peer().transport != http::Transport::Unix) return nullptr;
    return find_route(node_routes_, exchange.request().target);
}

}  // namespace sallyport::rest
