#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "agent/audit/audit_log.h"
#include "agent/config/config.h"
#include "agent/http/route.h"
#include "agent/http/server.h"
#include "agent/lanes/lane.h"
#include "agent/node_api/header_scrub.h"

namespace sallyport::app {

/// What the running agent says of itself to local callers with the role admin: GET /sallyport/v1/status, a JSON object.
/// What is added outlives it. Answers on the event loop: nothing here waits.
class StatusRoute {
public:
    StatusRoute(const config::Config& config, std::string version);

    void add(const lanes::Lane& lane) { lanes_.push_back(&lane); }
    void add(std::string name, const http::Server& server) { servers_.push_back({std::move(name), &server}); }
    void set_audit(const audit::AuditLog* log) { audit_ = log; }
    void set_headers(const node_api::HeaderScrub* scrub) { headers_ = scrub; }

    http::Route route() const;
    /// One line of the same for systemd.
    std::string summary() const;

private:
    struct NamedServer {
        std::string name;
        const http::Server* server;
    };
    api::Response answer(const api::Request& request, const core::Caller& caller) const;

    const config::Config& config_;
    const std::string version_;
    const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
    std::vector<const lanes::Lane*> lanes_;
    std::vector<NamedServer> servers_;
    const audit::AuditLog* audit_ = nullptr;
    const node_api::HeaderScrub* headers_ = nullptr;
};

/// A database URL without what may be a password in it.
std::string shown_url(const std::string& url);

}  // namespace sallyport::app
