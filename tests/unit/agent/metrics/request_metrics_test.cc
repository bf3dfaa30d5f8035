#include "agent/metrics/request_metrics.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace sallyport::metrics {
namespace {

using std::chrono::microseconds;

api::Request request_for(std::string method, std::string target) {
    api::Request request;
    request.method = std::move(method);
    request.target = std::move(target);
    return request;
}

void serve(RequestMetrics& door, const std::string& method, const std::string& target, int status) {
    door.answered(door.began(request_for(method, target)), status, microseconds(70));
}

std::string counts_of(const RequestMetrics& door) {
    Exposition out;
    door.write_counts(out);
    return out.text();
}

TEST(RequestMetrics, CountsByRouteMethodAndStatus) {
    RequestMetrics door("rest", rest_routes());
    serve(door, "GET", "/v1/secrets/one/payload", 200);
    serve(door, "GET", "/v1/secrets/two/payload?x", 200);
    serve(door, "GET", "/v1/secrets/two/payload", 404);
    serve(door, "BREW", "/v1/secrets/two/payload", 418);
    const std::string labels = R"({door="rest",route="/v1/secrets/{secret}/payload",method=)";
    EXPECT_EQ(counts_of(door), "sallyport_http_requests_total" + labels + "\"GET\",status=\"200\"} 2\n" +
                                   "sallyport_http_requests_total" + labels + "\"GET\",status=\"404\"} 1\n" +
                                   "sallyport_http_requests_total" + labels + "\"other\",status=\"other\"} 1\n");
}

TEST(RequestMetrics, AnIdIsInNoLabel) {
    RequestMetrics door("rest", rest_routes());
    serve(door, "DELETE", "/v1/secrets/6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11", 204);
    serve(door, "GET", "/6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11", 404);
    EXPECT_EQ(counts_of(door).find("6f0d"), std::string::npos);
}

TEST(RequestMetrics, TimesGoIntoAHistogramOfTheRoute) {
    RequestMetrics door("rest", rest_routes());
    serve(door, "GET", "/v1/secrets", 200);
    Exposition out;
    door.write_durations(out);
    const std::string labels = R"({door="rest",route="/v1/secrets",method="GET")";
    EXPECT_NE(out.text().find("seconds_bucket" + labels + ",le=\"5e-05\"} 0\n"), std::string::npos) << out.text();
    EXPECT_NE(out.text().find("seconds_bucket" + labels + ",le=\"0.0001\"} 1\n"), std::string::npos) << out.text();
    EXPECT_NE(out.text().find("seconds_count" + labels + "} 1\n"), std::string::npos) << out.text();
}

TEST(RequestMetrics, LosesNothingBetweenThreads) {
    RequestMetrics door("rest", rest_routes());
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&door] {
            for (int n = 0; n < 500; ++n) serve(door, "GET", "/v1/orders/x", 200);
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_NE(counts_of(door).find(" 2000\n"), std::string::npos) << counts_of(door);
}

}  // namespace
}  // namespace sallyport::metrics
