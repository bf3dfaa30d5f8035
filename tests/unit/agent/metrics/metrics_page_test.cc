#include "agent/metrics/metrics_page.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <string>

#include "keymanager/base/metrics.h"

namespace sallyport::metrics {
namespace {

Counter sample_counter({"test_page_total", "For this test.", R"(kind="a")"});
Counter sample_counter_b({"test_page_total", "For this test.", R"(kind="b")"});

TEST(MetricsPage, ShowsArenaLanesAndDeclaredMetrics) {
    const lanes::Lane lane({.name = "keys", .threads = 1, .queue = 2});
    const RequestMetrics door("rest", rest_routes());
    MetricsPage page("1.2.3");
    page.add(lane);
    page.add(door);
    sample_counter_b.add(4);
    const std::string text = page.text();
    for (const char* line :
         {"sallyport_build_info{version=\"1.2.3\"} 1\n", "sallyport_arena_size_bytes ",
          "sallyport_lane_queue_depth{lane=\"keys\"} 0\n", "sallyport_lane_rejected_total{lane=\"keys\"} 0\n",
          "process_resident_memory_bytes ", "test_page_total{kind=\"b\"} 4\n"}) {
        EXPECT_NE(text.find(line), std::string::npos) << line << text;
    }
}

TEST(MetricsPage, EachFamilyHasOneHead) {
    MetricsPage page("1");
    std::istringstream lines(page.text());
    std::multiset<std::string> heads;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("# TYPE ")) heads.insert(line.substr(7, line.find(' ', 7) - 7));
    }
    EXPECT_GT(heads.size(), 8U);
    for (const std::string& name : heads) EXPECT_EQ(heads.count(name), 1U) << name;
}

}  // namespace
}  // namespace sallyport::metrics
