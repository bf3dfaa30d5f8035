#include "keymanager/base/metrics.h"

namespace sallyport {
namespace {

// Filled while static objects are made, on one thread; only read afterwards.
constinit const Metric* first_metric = nullptr;
constinit std::atomic<std::size_t> next_stripe{0};

}  // namespace

namespace metric_detail {

std::size_t choose_stripe() noexcept {
    const std::size_t stripe = next_stripe.fetch_add(1, std::memory_order_relaxed) % MetricStripes;
    stripe_and_one = stripe + 1;
    return stripe;
}

}  // namespace metric_detail

void LatencyCells::add_to(LatencyCounts& counts) const noexcept {
    for (std::size_t i = 0; i < buckets_.size(); ++i) counts.buckets[i] += buckets_[i].load(std::memory_order_relaxed);
    counts.nanoseconds += nanoseconds_.load(std::memory_order_relaxed);
}

Metric::Metric(MetricName name, Kind kind) : name_(name), kind_(kind), next_(first_metric) { first_metric = this; }

std::int64_t Counter::value() const {
    std::uint64_t sum = 0;
    for (const Stripe& stripe : stripes_) sum += stripe.value.load(std::memory_order_relaxed);
    return static_cast<std::int64_t>(sum);
}

LatencyCounts Latency::latencies() const {
    LatencyCounts counts;
    for (const Stripe& stripe : stripes_) stripe.cells.add_to(counts);
    return counts;
}

void visit_metrics(const std::function<void(const Metric&)>& visit) {
    for (const Metric* metric = first_metric; metric != nullptr; metric = metric->next_) visit(*metric);
}

}  // namespace sallyport
