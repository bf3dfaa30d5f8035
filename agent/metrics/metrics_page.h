#pragma once

#include <string>
#include <vector>

#include "agent/http/route.h"
#include "agent/http/server.h"
#include "agent/lanes/edge_threads.h"
#include "agent/lanes/lane.h"
#include "agent/metrics/request_metrics.h"

namespace sallyport::metrics {

/// GET /metrics: everything that is counted, in Prometheus' text format. What is added outlives the page's use.
class MetricsPage {
public:
    explicit MetricsPage(std::string version) : version_(std::move(version)) {}

    void add(const RequestMetrics& door) { doors_.push_back(&door); }
    void add(const lanes::Lane& lane) { lanes_.push_back(&lane); }
    void add(std::string name, const http::Server& server) { servers_.push_back({std::move(name), &server}); }
    void add(const lanes::EdgeThreads& edge) { edge_ = &edge; }

    /// Takes tens of microseconds and no lock but those of the lanes' counters.
    std::string text() const;

    /// A door of its own, which answers to anybody who reaches it.
    http::StreamHandler handler() const;
    /// The same for callers of the REST API's UNIX socket.
    http::Route route() const;

private:
    struct NamedServer {
        std::string name;
        const http::Server* server;
    };
    api::Response response() const;

    std::string version_;
    std::vector<const RequestMetrics*> doors_;
    std::vector<const lanes::Lane*> lanes_;
    std::vector<NamedServer> servers_;
    const lanes::EdgeThreads* edge_ = nullptr;
};

}  // namespace sallyport::metrics
