#include "base/metrics.h"

#include <gtest/gtest.h>

#include <limits>
#include <thread>

namespace hilum {
namespace {

TEST(Metrics, ExposesEveryKindInTheTextFormat) {
  Registry registry;
  registry.counter("b_requests_total", "Requests.", {{"method", "GET"}, {"code", "200"}}).Add(3);
  registry.gauge("a_open", "Open things.").Set(-2);
  registry.gauge_function("c_ratio", "A ratio.", [] { return 0.5; });
  EXPECT_EQ(registry.Expose(),
            "# HELP a_open Open things.\n# TYPE a_open gauge\na_open -2\n"
            "# HELP b_requests_total Requests.\n# TYPE b_requests_total counter\n"
            "b_requests_total{method=\"GET\",code=\"200\"} 3\n"
            "# HELP c_ratio A ratio.\n# TYPE c_ratio gauge\nc_ratio 0.5\n");
}

TEST(Metrics, HistogramBucketsAreCumulativeAndInclusive) {
  Registry registry;
  Histogram& seconds = registry.histogram("s", "Seconds.", {0.25, 1, 4}, {{"op", "put"}});
  for (const double value : {0.25, 0.5, 1.0, 2.0, 100.0}) seconds.Observe(value);
  EXPECT_EQ(seconds.CumulativeCount(0), 1u);
  EXPECT_EQ(seconds.CumulativeCount(1), 3u);
  EXPECT_EQ(seconds.CumulativeCount(2), 4u);
  EXPECT_EQ(seconds.CumulativeCount(3), 5u);
  EXPECT_EQ(registry.Expose(),
            "# HELP s Seconds.\n# TYPE s histogram\n"
            "s_bucket{op=\"put\",le=\"0.25\"} 1\ns_bucket{op=\"put\",le=\"1\"} 3\ns_bucket{op=\"put\",le=\"4\"} 4\n"
            "s_bucket{op=\"put\",le=\"+Inf\"} 5\ns_sum{op=\"put\"} 103.75\ns_count{op=\"put\"} 5\n");
}

TEST(Metrics, HistogramSumsHoldLargeUnits) {
  Histogram bytes({1e6, 1e9});
  for (int i = 0; i < 100; ++i) bytes.Observe(5e9);
  EXPECT_DOUBLE_EQ(bytes.sum(), 5e11);
}

TEST(Metrics, EscapesLabelsAndHelp) {
  Registry registry;
  registry.counter("x", "back\\slash\nnew \"line\"", {{"l", "q\"b\\n\n"}}).Add();
  EXPECT_EQ(registry.Expose(), "# HELP x back\\\\slash\\nnew \"line\"\n# TYPE x counter\nx{l=\"q\\\"b\\\\n\\n\"} 1\n");
}

TEST(Metrics, TheSameNameAndLabelsAreTheSameSeries) {
  Registry registry;
  EXPECT_EQ(&registry.counter("x", "X.", {{"a", "1"}}), &registry.counter("x", "X.", {{"a", "1"}}));
  EXPECT_NE(&registry.counter("x", "X.", {{"a", "1"}}), &registry.counter("x", "X.", {{"a", "2"}}));
}

TEST(Metrics, FunctionsMayTakeTheirTimeWhileOthersCount) {
  Registry registry;
  registry.gauge_functions("kv", "Figures.", [&]() -> std::vector<Registry::Sample> {
    registry.counter("n_total", "N.").Add();  // would wait for ever if this held a lock
    return {{{{"name", "a"}}, 1}, {{{"name", "b"}}, 2}};
  });
  EXPECT_EQ(registry.Expose(),
            "# HELP kv Figures.\n# TYPE kv gauge\nkv{name=\"a\"} 1\nkv{name=\"b\"} 2\n"
            "# HELP n_total N.\n# TYPE n_total counter\nn_total 1\n");
}

TEST(Metrics, SpecialNumbersHaveTheirNames) {
  Registry registry;
  registry.gauge_function("x", "X.", [] { return std::numeric_limits<double>::infinity(); });
  registry.gauge_function("y", "Y.", [] { return std::numeric_limits<double>::quiet_NaN(); });
  const std::string text = registry.Expose();
  EXPECT_NE(text.find("\nx +Inf\n"), std::string::npos);
  EXPECT_NE(text.find("\ny NaN\n"), std::string::npos);
}

TEST(Metrics, ConcurrentUpdatesAreAllCounted) {
  Registry registry;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&registry] {
      for (int i = 0; i < 1000; ++i) {
        registry.counter("n", "N.").Add();
        registry.histogram("h", "H.", {1}).Observe(0.5);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(registry.counter("n", "N.").value(), 4000u);
  EXPECT_EQ(registry.histogram("h", "H.", {1}).CumulativeCount(0), 4000u);
  EXPECT_DOUBLE_EQ(registry.histogram("h", "H.", {1}).sum(), 2000.0);
}

}  // namespace
}  // namespace hilum
