#include "agent/app/status_route.h"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "agent/node_api/answer.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::app {
namespace {

namespace json = boost::json;

constexpr std::string_view Target = "/sallyport/v1/status";

std::string_view name_of(config::Role role) {
    switch (role) {
        case config::Role::KeyManager: return "keymanager";
        case config::Role::Objects: return "objects";
        case config::Role::Volumes: return "volumes";
        case config::Role::Hypervisor: return "hypervisor";
    }
    return "";
}

json::array roles_of(const config::Config& config) {
    json::array roles;
    for (const config::Role role : config.roles) roles.emplace_back(name_of(role));
    return roles;
}

json::array listeners_of(const config::Config& config) {
    json::array doors;
    for (const config::Listener& door : config.listen) {
        if (!door.tcp) {
            doors.emplace_back("rest unix:" + door.unix_path);
        } else {
            doors.emplace_back((door.tls ? "rest https://" : "rest http://") + door.tcp->text());
        }
    }
    if (config.objects && config.has_role(config::Role::Objects)) {
        doors.emplace_back("objects http://" + config.objects->listen.text());
    }
    if (config.metrics.listen) doors.emplace_back("metrics http://" + config.metrics.listen->text());
    return doors;
}

}  // namespace

std::string shown_url(const std::string& url) {
    const std::size_t scheme = url.find("://");
    const std::size_t at = url.rfind('@');
    if (scheme == std::string::npos || at == std::string::npos || at < scheme) return url;
    const std::size_t colon = url.find(':', scheme + 3);
    if (colon == std::string::npos || colon > at) return url;
    return url.substr(0, colon) + ":***" + url.substr(at);
}

StatusRoute::StatusRoute(const config::Config& config, std::string version)
    : config_(config), version_(std::move(version)) {}

api::Response StatusRoute::answer(const api::Request& request, const core::Caller& caller) const {
    if (std::ranges::find(caller.roles, "admin") == caller.roles.end()) {
        return node_api::answer(Error{Code::Forbidden, "the agent's status is for callers with the role admin", {}});
    }
    if (request.method != "GET" || std::string_view(request.target).substr(0, request.target.find('?')) != Target) {
        return node_api::answer(Error{Code::NotFound, "there is no " + request.method + " " + request.target, {}});
    }
    const auto uptime = std::chrono::steady_clock::now() - started_;
    const SecureArenaUsage arena = secure_arena_usage();
    json::array lanes;
    for (const lanes::Lane* lane : lanes_) {
        const lanes::LaneCounters counters = lane->counters();
        lanes.push_back({{"name", lane->name()},
                         {"waiting", counters.depth},
                         {"busy", counters.running},
                         {"done", counters.done},
                         {"rejected", counters.refused}});
    }
    json::array doors;
    for (const auto& [name, server] : servers_) {
        const http::Server::Counters counters = server->counters();
        doors.push_back({{"name", name},
                         {"open_connections", counters.open_connections},
                         {"requests", counters.requests},
                         {"refused_requests", counters.refused_requests}});
    }
    json::object status{{"version", version_},
                        {"pid", ::getpid()},
                        {"uptime_seconds", std::chrono::duration_cast<std::chrono::seconds>(uptime).count()},
                        {"roles", roles_of(config_)},
                        {"database", shown_url(config_.database)},
                        {"listeners", listeners_of(config_)},
                        {"doors", std::move(doors)},
                        {"lanes", std::move(lanes)},
                        {"arena", {{"used", arena.used}, {"size", arena.size}, {"locked", arena.locked}}}};
    status["audit"] = audit_ == nullptr
                          ? json::value(nullptr)
                          : json::value({{"file", config_.audit->file}, {"lines", audit_->end().sequence}});
    if (headers_ != nullptr) status["volume_headers"] = node_api::to_json(headers_->state());
    return node_api::answer(std::move(status));
}

http::Route StatusRoute::route() const {
    return {std::string(Target),
            [this](const api::Request& request, const core::Caller& caller) -> http::asio::awaitable<api::Response> {
                co_return answer(request, caller);
            }};
}

std::string StatusRoute::summary() const {
    std::size_t open = 0;
    std::uint64_t requests = 0;
    for (const auto& [name, server] : servers_) {
        const http::Server::Counters counters = server->counters();
        open += counters.open_connections;
        requests += counters.requests;
    }
    std::size_t waiting = 0;
    for (const lanes::Lane* lane : lanes_) waiting += lane->counters().depth;
    return fmt::format("serving: {} requests so far, {} connections open, {} calls waiting", requests, open, waiting);
}

}  // namespace sallyport::app
