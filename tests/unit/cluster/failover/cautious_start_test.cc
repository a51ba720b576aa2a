#include <skein/cluster/failover/cautious_start.h>

#include <gtest/gtest.h>

namespace skein {
namespace {

using std::chrono_literals::operator""ms;

constexpr milliseconds kTimeout{2000};

struct CautiousStartTest : testing::Test {
  CautiousStartTest() { start.begin({}, kBegin); }
  CautionVerdict judge(std::vector<FormerReplica> known, milliseconds later = 100ms, bool owns_slots = true) const {
    return start.judge(owns_slots, known, kBegin + later, kTimeout);
  }
  const MonoTime kBegin{std::chrono::hours{1}};
  const FormerReplica silent{};
  const FormerReplica empty{.was_heard = true};
  const FormerReplica with_data{.was_heard = true, .offset = ReplOffset{1}};
  CautiousStart start;
};

TEST_F(CautiousStartTest, WaitsForWhoWasNotHeard) {
  EXPECT_EQ(judge({silent}), CautionVerdict::kHoldBack);
  EXPECT_EQ(judge({empty, silent}), CautionVerdict::kHoldBack);
}

TEST_F(CautiousStartTest, WaitsWhileSomebodyHasData) {
  EXPECT_EQ(judge({with_data}), CautionVerdict::kHoldBack);
  EXPECT_EQ(judge({empty, with_data}), CautionVerdict::kHoldBack);
}

TEST_F(CautiousStartTest, ServesWhenNobodyHasData) {
  EXPECT_EQ(judge({empty, empty}), CautionVerdict::kNobodyHasData);
  // All of them were forgotten.
  EXPECT_EQ(judge({}), CautionVerdict::kNobodyHasData);
}

TEST_F(CautiousStartTest, OneThatFollowsAnotherHasNothingOnceThatOneWasHeard) {
  FormerReplica left{.was_heard = true, .still_follows = false, .offset = ReplOffset{9}};
  EXPECT_EQ(judge({left}), CautionVerdict::kHoldBack);
  left.new_primary_was_heard = true;
  EXPECT_EQ(judge({left}), CautionVerdict::kNobodyHasData);
}

TEST_F(CautiousStartTest, EndsWithItsTime) {
  EXPECT_EQ(judge({with_data}, 13999ms), CautionVerdict::kHoldBack);
  EXPECT_EQ(judge({with_data}, 14000ms), CautionVerdict::kTimeIsOver);
  EXPECT_EQ(judge({silent}, 14000ms), CautionVerdict::kTimeIsOver);
}

TEST_F(CautiousStartTest, EndsWithTheLastSlot) {
  EXPECT_EQ(judge({silent}, 100ms, false), CautionVerdict::kReplaced);
}

}  // namespace
}  // namespace skein
