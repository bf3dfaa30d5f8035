#include "agent/metrics/exposition.h"

#include <fmt/format.h>

namespace sallyport::metrics {
namespace {

/// Backslash and line feed are escaped in both; quotes in label values alone.
std::string escaped(std::string_view text, bool in_quotes) {
    std::string out;
    for (const char c : text) {
        if (c == '\n') {
            out += "\\n";
        } else {
            if (c == '\\' || (in_quotes && c == '"')) out += '\\';
            out += c;
        }
    }
    return out;
}

std::string seconds(std::uint64_t nanoseconds) { return fmt::format("{}", static_cast<double>(nanoseconds) / 1e9); }

}  // namespace

std::string label(std::string_view name, std::string_view value) {
    return fmt::format("{}=\"{}\"", name, escaped(value, true));
}

void Exposition::family(std::string_view name, std::string_view help, std::string_view type) {
    text_ += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, escaped(help, false), type);
}

void Exposition::line(std::string_view name, std::string_view labels, std::string_view value) {
    text_.append(name);
    if (!labels.empty()) text_.append("{").append(labels).append("}");
    text_.append(" ").append(value).append("\n");
}

void Exposition::sample(std::string_view name, std::string_view labels, std::uint64_t value) {
    line(name, labels, fmt::format("{}", value));
}
void Exposition::sample(std::string_view name, std::string_view labels, std::int64_t value) {
    line(name, labels, fmt::format("{}", value));
}
void Exposition::sample(std::string_view name, std::string_view labels, double value) {
    line(name, labels, fmt::format("{}", value));
}

void Exposition::histogram(std::string_view name, std::string_view labels, const LatencyCounts& counts) {
    const std::string bucket = fmt::format("{}_bucket", name);
    const std::string before = labels.empty() ? "" : fmt::format("{},", labels);
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < LatencyBounds.size(); ++i) {
        sum += counts.buckets[i];
        sample(bucket, fmt::format("{}le=\"{}\"", before, seconds(LatencyBounds[i])), sum);
    }
    sum += counts.buckets.back();
    sample(bucket, fmt::format("{}le=\"+Inf\"", before), sum);
    line(fmt::format("{}_sum", name), labels, seconds(counts.nanoseconds));
    sample(fmt::format("{}_count", name), labels, sum);
}

}  // namespace sallyport::metrics
