#include "agent/metrics/request_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <utility>

namespace sallyport::metrics {
namespace {

constexpr std::array<std::string_view, 8> Methods{"GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "other"};

/// What this agent answers with; the last stands for all else. 0: the client had gone before an answer was begun.
constexpr std::array<int, 30> Statuses{0,   200, 201, 202, 204, 206, 300, 304, 400, 401, 403, 404, 405, 406, 408,
                                       409, 410, 411, 412, 413, 415, 416, 422, 429, 499, 500, 501, 502, 503, -1};

std::size_t method_of(std::string_view method) noexcept {
    for (std::size_t i = 0; i + 1 < Methods.size(); ++i) {
        if (Methods[i] == method) return i;
    }
    return Methods.size() - 1;
}

std::size_t place_of(int status) noexcept {
    for (std::size_t i = 0; i + 1 < Statuses.size(); ++i) {
        if (Statuses[i] == status) return i;
    }
    return Statuses.size() - 1;
}

}  // namespace

struct RequestMetrics::Cell {
    struct alignas(64) Stripe {
        std::array<std::atomic<std::uint64_t>, Statuses.size()> statuses{};
        LatencyCells latencies;
    };
    std::array<Stripe, MetricStripes> stripes;

    std::uint64_t count(std::size_t place) const {
        std::uint64_t sum = 0;
        for (const Stripe& stripe : stripes) sum += stripe.statuses[place].load(std::memory_order_relaxed);
        return sum;
    }
};

RequestMetrics::RequestMetrics(std::string door, const RouteTable& routes)
    : door_(std::move(door)), routes_(routes), cells_(routes.size() * Methods.size()) {}

RequestMetrics::~RequestMetrics() {
    for (const auto& cell : cells_) delete cell.load();
}

std::uint32_t RequestMetrics::began(const api::Request& request) noexcept {
    const std::size_t number = routes_.find(request.target) * Methods.size() + method_of(request.method);
    return static_cast<std::uint32_t>(number);
}

RequestMetrics::Cell* RequestMetrics::cell(std::uint32_t number) noexcept {
    std::atomic<Cell*>& slot = cells_[number];
    Cell* known = slot.load(std::memory_order_acquire);
    if (known != nullptr) return known;
    Cell* fresh = new (std::nothrow) Cell;
    if (fresh == nullptr || slot.compare_exchange_strong(known, fresh, std::memory_order_acq_rel)) return fresh;
    delete fresh;
    return known;
}

void RequestMetrics::answered(std::uint32_t number, int status, std::chrono::nanoseconds took) noexcept {
    Cell* const counted = cell(number);
    if (counted == nullptr) return;
    Cell::Stripe& stripe = counted->stripes[metric_stripe()];
    stripe.statuses[place_of(status)].fetch_add(1, std::memory_order_relaxed);
    stripe.latencies.observe(took);
}

template <class F>
void RequestMetrics::each_cell(F&& visit) const {
    for (std::uint32_t number = 0; number < cells_.size(); ++number) {
        const Cell* cell = cells_[number].load(std::memory_order_acquire);
        if (cell == nullptr) continue;
        const std::string labels =
            fmt::format("{},{},{}", label("door", door_),
                        label("route", routes_.name(number / static_cast<std::uint32_t>(Methods.size()))),
                        label("method", Methods[number % Methods.size()]));
        visit(*cell, labels);
    }
}

void RequestMetrics::write_counts(Exposition& out) const {
    each_cell([&out](const Cell& cell, const std::string& labels) {
        for (std::size_t place = 0; place < Statuses.size(); ++place) {
            const std::uint64_t count = cell.count(place);
            if (count == 0) continue;
            const std::string status = Statuses[place] < 0 ? "other" : fmt::format("{}", Statuses[place]);
            out.sample(CountsName, fmt::format("{},{}", labels, label("status", status)), count);
        }
    });
}

void RequestMetrics::write_durations(Exposition& out) const {
    each_cell([&out](const Cell& cell, const std::string& labels) {
        LatencyCounts counts;
        for (const Cell::Stripe& stripe : cell.stripes) stripe.latencies.add_to(counts);
        out.histogram(DurationsName, labels, counts);
    });
}

}  // namespace sallyport::metrics
