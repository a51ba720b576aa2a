#include <gtest/gtest.h>

#include <skein/replication/lag_verdict.h>

namespace skein {
namespace {

using namespace std::chrono_literals;

constexpr MonoTime kStart{1000s};
constexpr LagLimit kLimit{.hard = 1000, .soft = 100, .soft_for = 60s};

TEST(LagVerdicts, BelowTheSoftLimitNothingHappens) {
  EXPECT_EQ(judge_lag(99, kLimit, 10, {}, kStart), LagVerdict::kWithin);
}

TEST(LagVerdicts, TheSoftLimitMayBePassedForAWhile) {
  EXPECT_EQ(judge_lag(100, kLimit, 10, {}, kStart), LagVerdict::kAboveSoft);
  EXPECT_EQ(judge_lag(100, kLimit, 10, kStart, kStart + 60s), LagVerdict::kAboveSoft);
  EXPECT_EQ(judge_lag(100, kLimit, 10, kStart, kStart + 61s), LagVerdict::kTooLongAboveSoft);
}

TEST(LagVerdicts, TheHardLimitActsAtOnce) {
  EXPECT_EQ(judge_lag(1000, kLimit, 10, {}, kStart), LagVerdict::kAboveHard);
}

TEST(LagVerdicts, TheBacklogIsAllowedToEverybody) {
  constexpr LagLimit kHardOnly{.hard = 1000};
  EXPECT_EQ(judge_lag(4999, kHardOnly, 5000, {}, kStart), LagVerdict::kWithin);
  EXPECT_EQ(judge_lag(5000, kHardOnly, 5000, {}, kStart), LagVerdict::kAboveHard);
}

TEST(LagVerdicts, ZeroIsNoLimit) {
  EXPECT_EQ(judge_lag(std::size_t{1} << 40, {}, 10, {}, kStart), LagVerdict::kWithin);
}

}  // namespace
}  // namespace skein
