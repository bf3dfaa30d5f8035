#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "keymanager/base/metrics.h"

namespace sallyport::metrics {

/// Prometheus' text format 0.0.4, written front to back. All samples of a family come right after its head.
class Exposition {
public:
    static constexpr std::string_view ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// `# HELP` and `# TYPE`; type is "counter", "gauge" or "histogram".
    void family(std::string_view name, std::string_view help, std::string_view type);
    /// One line. `labels` is their text without braces, or empty.
    void sample(std::string_view name, std::string_view labels, std::uint64_t value);
    void sample(std::string_view name, std::string_view labels, std::int64_t value);
    void sample(std::string_view name, std::string_view labels, double value);
    /// The buckets (summed up), sum and count of a histogram, in seconds.
    void histogram(std::string_view name, std::string_view labels, const LatencyCounts& counts);

    const std::string& text() const { return text_; }

private:
    void line(std::string_view name, std::string_view labels, std::string_view value);
    std::string text_;
};

/// `name="value"` with the value escaped as the format asks.
std::string label(std::string_view name, std::string_view value);

}  // namespace sallyport::metrics
