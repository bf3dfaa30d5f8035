#include "keymanager/base/metrics.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

namespace sallyport {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

Counter things({"test_things_total", "Things.", R"(kind="a")"});
Gauge open_things({"test_things_open", "Open things."});
Latency thing_time({"test_thing_seconds", "Time of a thing."});

TEST(Metrics, CountFromAnyThread) {
    const auto before = things.value();
    std::vector<std::thread> threads;
    for (int i = 0; i < 7; ++i) {
        threads.emplace_back([] {
            for (int n = 0; n < 1000; ++n) things.add();
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(things.value() - before, 7000);
}

TEST(Metrics, AGaugeGoesUpAndDown) {
    open_things.add(3);
    open_things.add(-1);
    EXPECT_EQ(open_things.value(), 2);
    open_things.set(0);
    EXPECT_EQ(open_things.value(), 0);
}

TEST(Metrics, ADurationFallsIntoTheFirstBucketThatHoldsIt) {
    thing_time.observe(nanoseconds(0));
    thing_time.observe(microseconds(50));
    thing_time.observe(microseconds(50) + nanoseconds(1));
    thing_time.observe(std::chrono::hours(1));
    thing_time.observe(nanoseconds(-5));  // a clock that was set back
    const LatencyCounts counts = thing_time.latencies();
    EXPECT_EQ(counts.buckets.front(), 3U);
    EXPECT_EQ(counts.buckets[1], 1U);
    EXPECT_EQ(counts.buckets.back(), 1U);
    EXPECT_EQ(counts.nanoseconds, 50'000U + 50'001U + 3600'000'000'000U);
}

TEST(Metrics, AllAreFoundOnce) {
    std::multiset<std::string> names;
    visit_metrics([&names](const Metric& metric) { names.insert(metric.name().name); });
    EXPECT_EQ(names.count("test_things_total"), 1U);
    EXPECT_EQ(names.count("test_things_open"), 1U);
    EXPECT_EQ(names.count("test_thing_seconds"), 1U);
}

}  // namespace
}  // namespace sallyport
