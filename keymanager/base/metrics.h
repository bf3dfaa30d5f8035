#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

/// What the process counts of itself, wherever it happens. A metric is declared as a variable of static lifetime in the
/// file that counts; agent/metrics finds it by visit_metrics() and shows it. Counting takes one relaxed addition on a
/// cache line that few threads share: no lock, no allocation.
namespace sallyport {

inline constexpr std::size_t MetricStripes = 4;

namespace metric_detail {
inline constinit thread_local std::size_t stripe_and_one = 0;
std::size_t choose_stripe() noexcept;
}  // namespace metric_detail

/// Which of the stripes this thread counts on.
inline std::size_t metric_stripe() noexcept {
    const std::size_t known = metric_detail::stripe_and_one;
    return known != 0 ? known - 1 : metric_detail::choose_stripe();
}

/// Upper bounds, in nanoseconds, of the buckets that durations are sorted into; one more bucket takes the rest.
inline constexpr std::array<std::uint64_t, 17> LatencyBounds{
    50'000,      100'000,      250'000,      500'000,      1'000'000,    2'500'000,
    5'000'000,   10'000'000,   25'000'000,   50'000'000,   100'000'000,  250'000'000,
    500'000'000, 1000'000'000, 2500'000'000, 5000'000'000, 10000'000'000};

/// Durations as counts by bucket (not yet summed up) and their sum.
struct LatencyCounts {
    std::array<std::uint64_t, LatencyBounds.size() + 1> buckets{};
    std::uint64_t nanoseconds = 0;
};

/// A histogram's cells, without a name: for tables of many.
class LatencyCells {
public:
    void observe(std::chrono::nanoseconds took) noexcept {
        const auto ns = static_cast<std::uint64_t>(took.count() < 0 ? 0 : took.count());
        std::size_t bucket = 0;
        while (bucket < LatencyBounds.size() && ns > LatencyBounds[bucket]) ++bucket;
        buckets_[bucket].fetch_add(1, std::memory_order_relaxed);
        nanoseconds_.fetch_add(ns, std::memory_order_relaxed);
    }
    void add_to(LatencyCounts& counts) const noexcept;

private:
    std::array<std::atomic<std::uint64_t>, LatencyBounds.size() + 1> buckets_{};
    std::atomic<std::uint64_t> nanoseconds_{0};
};

/// The name and what it means, as Prometheus wants them: "sallyport_database_commits_total". `labels` is their text,
/// `result="hit"`, or empty. All of them literals.
struct MetricName {
    const char* name;
    const char* help;
    const char* labels = "";
};

class Metric {
public:
    enum class Kind { Counter, Gauge, Latency };

    virtual ~Metric() = default;
    Metric(const Metric&) = delete;
    Metric& operator=(const Metric&) = delete;

    const MetricName& name() const { return name_; }
    Kind kind() const { return kind_; }
    /// Of a counter or gauge.
    virtual std::int64_t value() const = 0;
    /// Of a histogram.
    virtual LatencyCounts latencies() const = 0;

protected:
    Metric(MetricName name, Kind kind);

private:
    friend void visit_metrics(const std::function<void(const Metric&)>&);
    const MetricName name_;
    const Kind kind_;
    const Metric* const next_;
};

/// Counts what has happened; never goes down.
class Counter final : public Metric {
public:
    explicit Counter(MetricName name) : Metric(name, Kind::Counter) {}
    void add(std::uint64_t n = 1) noexcept { stripes_[metric_stripe()].value.fetch_add(n, std::memory_order_relaxed); }
    std::int64_t value() const override;
    LatencyCounts latencies() const override { return {}; }

private:
    struct alignas(64) Stripe {
        std::atomic<std::uint64_t> value{0};
    };
    std::array<Stripe, MetricStripes> stripes_;
};

/// How many there are now. For what changes seldom: threads share one cell.
class Gauge final : public Metric {
public:
    explicit Gauge(MetricName name) : Metric(name, Kind::Gauge) {}
    void add(std::int64_t n) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
    void set(std::int64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }
    std::int64_t value() const override { return value_.load(std::memory_order_relaxed); }
    LatencyCounts latencies() const override { return {}; }

private:
    std::atomic<std::int64_t> value_{0};
};

/// How long things take.
class Latency final : public Metric {
public:
    explicit Latency(MetricName name) : Metric(name, Kind::Latency) {}
    void observe(std::chrono::nanoseconds took) noexcept { stripes_[metric_stripe()].cells.observe(took); }
    std::int64_t value() const override { return 0; }
    LatencyCounts latencies() const override;

private:
    struct alignas(64) Stripe {
        LatencyCells cells;
    };
    std::array<Stripe, MetricStripes> stripes_;
};

/// Every metric of the process. Metrics of one name (with different labels) may come apart. Thread-safe once main runs.
void visit_metrics(const std::function<void(const Metric&)>& visit);

}  // namespace sallyport
