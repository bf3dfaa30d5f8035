#include "agent/metrics/metrics_page.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string_view>
#include <utility>

#include "agent/http/head.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/secure_bytes.h"

namespace sallyport::metrics {
namespace {

namespace asio = boost::asio;

/// Counters and the like that the libraries declared, by name: those of one name belong together.
void write_declared(Exposition& out) {
    std::map<std::string_view, std::vector<const Metric*>> families;
    visit_metrics([&families](const Metric& metric) { families[metric.name().name].push_back(&metric); });
    for (const auto& [name, members] : families) {
        const Metric::Kind kind = members.front()->kind();
        const std::string_view type = kind == Metric::Kind::Counter ? "counter"
                                      : kind == Metric::Kind::Gauge ? "gauge"
                                                                    : "histogram";
        out.family(name, members.front()->name().help, type);
        for (const Metric* metric : members) {
            if (kind == Metric::Kind::Latency) {
                out.histogram(name, metric->name().labels, metric->latencies());
            } else {
                out.sample(name, metric->name().labels, metric->value());
            }
        }
    }
}

void write_arena(Exposition& out) {
    const SecureArenaUsage usage = secure_arena_usage();
    out.family("sallyport_arena_used_bytes", "Locked memory for secrets that is handed out.", "gauge");
    out.sample("sallyport_arena_used_bytes", "", std::uint64_t{usage.used});
    out.family("sallyport_arena_size_bytes", "Locked memory for secrets in all.", "gauge");
    out.sample("sallyport_arena_size_bytes", "", std::uint64_t{usage.size});
    out.family("sallyport_arena_locked", "1 if the kernel keeps that memory from being swapped.", "gauge");
    out.sample("sallyport_arena_locked", "", std::uint64_t{usage.locked ? 1U : 0U});
}

/// The names that Prometheus' own client libraries use. What /proc does not tell (ProcSubset=pid keeps this) is left
/// out.
void write_process(Exposition& out) {
    std::ifstream statm("/proc/self/statm");
    std::uint64_t pages_virtual = 0;
    std::uint64_t pages_resident = 0;
    if (statm >> pages_virtual >> pages_resident) {
        out.family("process_resident_memory_bytes", "Resident memory.", "gauge");
        out.sample("process_resident_memory_bytes", "",
                   pages_resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
    }
    timespec cpu{};
    if (::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu) == 0) {
        out.family("process_cpu_seconds_total", "Processor time, user and system.", "counter");
        out.sample("process_cpu_seconds_total", "", static_cast<double>(cpu.tv_sec) + 1e-9 * cpu.tv_nsec);
    }
    std::error_code failed;
    std::uint64_t files = 0;
    for (auto entry = std::filesystem::directory_iterator("/proc/self/fd", failed);
         !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
        ++files;
    }
    if (!failed) {
        out.family("process_open_fds", "Open file descriptors.", "gauge");
        out.sample("process_open_fds", "", files);
    }
}

double start_time() {
    static const double started =
        std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    return started;
}
// Taken when the process starts, not when it is first asked.
[[maybe_unused]] const double started_at = start_time();

struct LaneColumn {
    std::string_view name;
    std::string_view help;
    std::string_view type;
    std::uint64_t (*value)(const lanes::LaneCounters&);
};
constexpr std::array LaneColumns{
    LaneColumn{"sallyport_lane_queue_depth", "Calls that wait for a thread.", "gauge",
               [](const lanes::LaneCounters& c) { return std::uint64_t{c.depth}; }},
    LaneColumn{"sallyport_lane_busy", "Calls that run.", "gauge",
               [](const lanes::LaneCounters& c) { return std::uint64_t{c.running}; }},
    LaneColumn{"sallyport_lane_calls_total", "Calls that ran to their end.", "counter",
               [](const lanes::LaneCounters& c) { return c.done; }},
    LaneColumn{"sallyport_lane_rejected_total", "Calls that found the queue full.", "counter",
               [](const lanes::LaneCounters& c) { return c.refused; }},
};

struct ServerColumn {
    std::string_view name;
    std::string_view help;
    std::string_view type;
    std::uint64_t (*value)(const http::Server::Counters&);
};
constexpr std::array ServerColumns{
    ServerColumn{"sallyport_http_open_connections", "Connections that are open.", "gauge",
                 [](const http::Server::Counters& c) { return std::uint64_t{c.open_connections}; }},
    ServerColumn{"sallyport_http_connections_total", "Connections that were taken.", "counter",
                 [](const http::Server::Counters& c) { return c.connections; }},
    ServerColumn{"sallyport_http_refused_requests_total", "Requests that were broken or over a limit.", "counter",
                 [](const http::Server::Counters& c) { return c.refused_requests; }},
};

bool is_metrics_target(std::string_view target) { return target.substr(0, target.find('?')) == "/metrics"; }

}  // namespace

std::string MetricsPage::text() const {
    Exposition out;
    out.family("sallyport_build_info", "The program that runs; always 1.", "gauge");
    out.sample("sallyport_build_info", label("version", version_), std::uint64_t{1});
    out.family("process_start_time_seconds", "When this process began, since 1970.", "gauge");
    out.sample("process_start_time_seconds", "", start_time());
    write_process(out);
    write_arena(out);
    out.family(RequestMetrics::CountsName, "Requests by route, method and status (0: the client had gone).", "counter");
    for (const RequestMetrics* door : doors_) door->write_counts(out);
    out.family(RequestMetrics::DurationsName, "From a request's head to the end of its answer.", "histogram");
    for (const RequestMetrics* door : doors_) door->write_durations(out);
    for (const ServerColumn& column : ServerColumns) {
        out.family(column.name, column.help, column.type);
        for (const auto& [name, server] : servers_) {
            out.sample(column.name, label("door", name), column.value(server->counters()));
        }
    }
    for (const LaneColumn& column : LaneColumns) {
        out.family(column.name, column.help, column.type);
        for (const lanes::Lane* lane : lanes_) {
            out.sample(column.name, label("lane", lane->name()), column.value(lane->counters()));
        }
    }
    if (edge_ != nullptr) {
        out.family("sallyport_edge_rescues_total", "Event loops that changed threads under a slow call.", "counter");
        out.sample("sallyport_edge_rescues_total", "", std::uint64_t{edge_->rescues()});
    }
    write_declared(out);
    return out.text();
}

api::Response MetricsPage::response() const {
    auto body = SecureBytes::copy_of(bytes_of(text()));
    if (!body) return {503, {{"Retry-After", "1"}}, {}};
    return {200, {{"Content-Type", std::string(Exposition::ContentType)}}, *std::move(body)};
}

http::StreamHandler MetricsPage::handler() const {
    return [this](http::Exchange& exchange) -> asio::awaitable<void> {
        const api::Request& request = exchange.request();
        http::ResponseHead head{404, {{"Content-Type", "text/plain; charset=utf-8"}}};
        std::string body = "only GET /metrics is here\n";
        const bool is_read = request.method == "GET" || request.method == "HEAD";
        if (is_metrics_target(request.target) && is_read) {
            head = {200, {{"Content-Type", std::string(Exposition::ContentType)}}};
            body = text();
        }
        (void)co_await exchange.respond(head, bytes_of(body));
    };
}

http::Route MetricsPage::route() const {
    return {"/metrics", [this](const api::Request& request, const core::Caller&) -> asio::awaitable<api::Response> {
                if (request.method != "GET" && request.method != "HEAD") {
                    co_return api::Response{405, {{"Allow", "GET"}}, {}};
                }
                co_return response();
            }};
}

}  // namespace sallyport::metrics
