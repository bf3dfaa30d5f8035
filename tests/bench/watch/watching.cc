// What watching adds to every request: its metrics, and its line in the audit log.

#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "agent/audit/request_audit.h"
#include "agent/metrics/request_metrics.h"
#include "keymanager/base/secure_bytes.h"

namespace {

using namespace sallyport;

/// Processor time of this thread: what others do on the machine does not count.
double processor_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

template <class F>
double microseconds_each(int times, F&& work) {
    const double begun = processor_seconds();
    for (int i = 0; i < times; ++i) work();
    return (processor_seconds() - begun) / times * 1e6;
}

bool report(const char* what, double took, double goal) {
    const bool met = took <= goal;
    std::printf("{\"what\": \"%s\", \"ours\": \"%.2f us\", \"goal\": \"<= %.1f us\", \"met\": %s}\n", what, took, goal,
                met ? "true" : "false");
    return met;
}

api::Request payload_request() {
    api::Request request;
    request.method = "GET";
    request.target = "/v1/secrets/6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11/payload";
    request.request_id = "req-6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11";
    return request;
}

double measure_metrics() {
    metrics::RequestMetrics door("rest", metrics::rest_routes());
    const api::Request request = payload_request();
    return microseconds_each(2'000'000, [&] {
        const auto begun = std::chrono::steady_clock::now();
        const std::uint32_t number = door.began(request);
        door.answered(number, 200, std::chrono::steady_clock::now() - begun);
    });
}

double measure_audit(const std::string& folder) {
    const std::string key = folder + "/key";
    std::ofstream(key) << "a key of at least thirty-two bytes, for measuring";
    ::chmod(key.c_str(), 0400);
    const auto log = audit::AuditLog::open({.file = folder + "/audit.jsonl", .key_file = key}, system_clock());
    if (!log) {
        std::fprintf(stderr, "%s\n", log.error().message.c_str());
        return 1e9;
    }
    audit::RequestAudit door(**log);
    const api::Request request = payload_request();
    const core::Caller caller{UserId("0123456789abcdef0123456789abcdef"),
                              ProjectId("0123456789abcdef0123456789abcdef"),
                              {"creator", "member"},
                              ""};
    const http::Peer peer{http::Transport::Tcp, "192.0.2.7:40522", {}, {}};
    const api::Response response{200, {{"Content-Type", "application/octet-stream"}}, {}};
    return microseconds_each(200'000, [&] {
        if (!door.admit(request) || !door.record(request, &caller, peer, response)) std::abort();
    });
}

}  // namespace

int main() {
    if (!open_secure_arena({.bytes = 1 << 20, .insecure_allow_unlocked_memory = true})) return 1;
    std::string folder = "/tmp/sallyport-watching-XXXXXX";
    if (mkdtemp(folder.data()) == nullptr) return 1;
    const bool metrics = report("metrics of a request", measure_metrics(), 0.2);
    const bool audited = report("audit line of a payload GET", measure_audit(folder), 10);
    std::filesystem::remove_all(folder);
    return metrics && audited ? 0 : 1;
}
