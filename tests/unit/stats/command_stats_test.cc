// Statistics of commands: exact counts, histograms within their width.
#include <skein/stats/command_stats.h>

#include <gtest/gtest.h>

namespace skein {
namespace {

TEST(LatencyHistogram, AValueIsFoundWithinAnEighth) {
  for (Ticks value : {Ticks{1}, Ticks{7}, Ticks{8}, Ticks{100}, Ticks{12345}, Ticks{1} << 33, (Ticks{1} << 50) + 12345}) {
    LatencyHistogram histogram;
    histogram.record(value);
    EXPECT_GE(histogram.value_at(50), value);
    EXPECT_LE(static_cast<double>(histogram.value_at(50)), static_cast<double>(value) * 1.125 + 1);
    EXPECT_EQ(histogram.count_up_to(histogram.value_at(50)), 1U);
    EXPECT_EQ(histogram.count_up_to(value / 2), 0U);
  }
}

TEST(LatencyHistogram, SharesAreOfAllCalls) {
  LatencyHistogram histogram;
  for (Ticks i = 1; i <= 1000; ++i) histogram.record(i);
  EXPECT_EQ(histogram.count(), 1000U);
  EXPECT_NEAR(static_cast<double>(histogram.value_at(50)), 500, 63);
  EXPECT_NEAR(static_cast<double>(histogram.value_at(99)), 990, 124);
  EXPECT_GE(histogram.value_at(100), 1000U);
}

TEST(CommandStats, CountsCallsFailuresAndRefusals) {
  CommandStats stats{3};
  stats.record(1, 100);
  stats.record(1, 300);
  stats.fail(1);
  stats.reject(2);
  EXPECT_EQ(stats.figures()[1].calls, 2U);
  EXPECT_EQ(stats.figures()[1].ticks, 400U);
  EXPECT_EQ(stats.figures()[1].failed, 1U);
  EXPECT_EQ(stats.figures()[1].latency->count(), 2U);
  EXPECT_EQ(stats.figures()[2].rejected, 1U);
  EXPECT_EQ(stats.figures()[0].latency, nullptr);
  EXPECT_EQ(stats.total_calls(), 2U);
  stats.reset();
  EXPECT_EQ(stats.figures()[1].calls, 0U);
}

TEST(CommandStats, TracksLatencyOnlyWhileTold) {
  CommandStats stats{1};
  stats.set_latency_tracking(false);
  stats.record(0, 100);
  EXPECT_EQ(stats.figures()[0].latency, nullptr);
  stats.set_latency_tracking(true);
  stats.record(0, 100);
  EXPECT_EQ(stats.figures()[0].latency->count(), 1U);
}

TEST(CommandStats, ErrorCodesAreCountedUpToABound) {
  CommandStats stats{1};
  stats.count_error("ERR");
  stats.count_error("ERR");
  for (int i = 0; i < 1000; ++i) stats.count_error("MADE" + std::to_string(i));
  EXPECT_EQ(stats.errors().at("ERR"), 2U);
  EXPECT_EQ(stats.total_errors(), 1002U);
  EXPECT_LE(stats.errors().size(), 200U);
}

}  // namespace
}  // namespace skein
