// Who is let in when places are few.
#include "client_room.h"

#include <gtest/gtest.h>

namespace skein {
namespace {

TEST(ClientRoom, LinksOfTheBusTakePlacesThatTheyUse) {
  EXPECT_EQ(judge_room(9, 0, 10, false), RoomVerdict::kRoom);
  EXPECT_EQ(judge_room(10, 0, 10, false), RoomVerdict::kTooManyClients);
  EXPECT_EQ(judge_room(5, 4, 10, false), RoomVerdict::kRoom);
  EXPECT_EQ(judge_room(6, 4, 10, false), RoomVerdict::kTooManyWithLinks);
}

TEST(ClientRoom, AnOperatorOfThisMachineComesInBesideACrowdedBus) {
  EXPECT_EQ(judge_room(6, 4, 10, true), RoomVerdict::kRoom);
  EXPECT_EQ(judge_room(9, 4, 10, true), RoomVerdict::kRoom);
  EXPECT_EQ(judge_room(10, 4, 10, true), RoomVerdict::kTooManyClients) << "maxclients is maxclients";
  EXPECT_EQ(judge_room(0, 5000, 200, true), RoomVerdict::kTooManyWithLinks) << "descriptors are finite";
  EXPECT_EQ(judge_room(100, 107, 200, true), RoomVerdict::kRoom);
  EXPECT_EQ(judge_room(100, 107, 200, false), RoomVerdict::kTooManyWithLinks);
}

}  // namespace
}  // namespace skein
