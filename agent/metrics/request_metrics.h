#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/http/observer.h"
#include "agent/metrics/exposition.h"
#include "agent/metrics/route_table.h"
#include "keymanager/base/metrics.h"

namespace sallyport::metrics {

/// Counts the requests of one door, by route template, method and status, and times them.
/// Thread-safe; a request costs a few relaxed additions. Cells are made when a route is first asked for.
class RequestMetrics final : public http::Observer {
public:
    RequestMetrics(std::string door, const RouteTable& routes);
    ~RequestMetrics() override;

    std::uint32_t began(const api::Request& request) noexcept override;
    void answered(std::uint32_t number, int status, std::chrono::nanoseconds took) noexcept override;

    /// The samples of `sallyport_http_requests_total` and `sallyport_http_request_duration_seconds`.
    void write_counts(Exposition& out) const;
    void write_durations(Exposition& out) const;

    static constexpr std::string_view CountsName = "sallyport_http_requests_total";
    static constexpr std::string_view DurationsName = "sallyport_http_request_duration_seconds";

private:
    struct Cell;
    Cell* cell(std::uint32_t number) noexcept;
    template <class F>
    void each_cell(F&& visit) const;

    const std::string door_;
    const RouteTable& routes_;
    std::vector<std::atomic<Cell*>> cells_;  ///< owned; set once each
};

}  // namespace sallyport::metrics
