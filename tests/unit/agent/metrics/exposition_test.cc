#include "agent/metrics/exposition.h"

#include <gtest/gtest.h>

namespace sallyport::metrics {
namespace {

TEST(Exposition, WritesFamiliesAndSamples) {
    Exposition out;
    out.family("a_total", "Things \\ lines\nof text", "counter");
    out.sample("a_total", label("kind", "a \"b\"\\\n"), std::uint64_t{3});
    out.sample("a_total", "", 2.5);
    EXPECT_EQ(out.text(),
              "# HELP a_total Things \\\\ lines\\nof text\n# TYPE a_total counter\n"
              "a_total{kind=\"a \\\"b\\\"\\\\\\n\"} 3\na_total 2.5\n");
}

TEST(Exposition, SumsUpTheBucketsOfAHistogram) {
    Exposition out;
    LatencyCounts counts;
    counts.buckets[0] = 2;
    counts.buckets[2] = 1;
    counts.buckets.back() = 1;
    counts.nanoseconds = 1'500'000'000;
    out.histogram("t_seconds", "x=\"1\"", counts);
    const std::string& text = out.text();
    EXPECT_NE(text.find("t_seconds_bucket{x=\"1\",le=\"5e-05\"} 2\n"), std::string::npos) << text;
    EXPECT_NE(text.find("t_seconds_bucket{x=\"1\",le=\"0.00025\"} 3\n"), std::string::npos) << text;
    EXPECT_NE(text.find("t_seconds_bucket{x=\"1\",le=\"10\"} 3\n"), std::string::npos) << text;
    EXPECT_NE(text.find("t_seconds_bucket{x=\"1\",le=\"+Inf\"} 4\n"), std::string::npos) << text;
    EXPECT_NE(text.find("t_seconds_sum{x=\"1\"} 1.5\nt_seconds_count{x=\"1\"} 4\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace sallyport::metrics
