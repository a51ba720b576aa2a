// How much a client may be owed.
#include "output_room.h"

#include <gtest/gtest.h>

namespace skein {
namespace {

constexpr std::size_t kMiB = 1024 * 1024;
constexpr std::size_t kThrottle = 32 * kMiB;

TEST(OutputRoom, WhoeverHasNotLoggedInIsOwedAFewKilobytes) {
  for (const OutputLimit& limit : {OutputLimit{}, OutputLimit{512 * kMiB, 0, seconds{0}}}) {
    const OutputRoom room = output_room(false, limit, kThrottle);
    EXPECT_EQ(room.left_over, kStrangerMayLeave);
    EXPECT_LE(room.bound, 16U * 1024);
    EXPECT_LT(room.take_below, room.bound);
  }
}

TEST(OutputRoom, WithoutALimitAClientIsThrottledOnly) {
  const OutputRoom room = output_room(true, OutputLimit{}, kThrottle);
  EXPECT_EQ(room.bound, 0U);
  EXPECT_EQ(room.take_below, kThrottle);
  EXPECT_EQ(room.left_over, 0U);
}

TEST(OutputRoom, TheHardLimitBindsTheWriter) {
  const OutputRoom room = output_room(true, OutputLimit{kMiB, 0, seconds{0}}, kThrottle);
  EXPECT_EQ(room.bound, kMiB);
  EXPECT_EQ(room.take_below, kMiB / 2);
  // The soft one depends on time, which does not pass inside a command.
  EXPECT_EQ(output_room(true, OutputLimit{0, kMiB, seconds{1}}, kThrottle).bound, 0U);
}

TEST(OutputRoom, ATinyLimitLeavesRoomForATurnsReplies) {
  EXPECT_EQ(output_room(true, OutputLimit{1, 0, seconds{0}}, kThrottle).bound, kLeastBound);
}

}  // namespace
}  // namespace skein
