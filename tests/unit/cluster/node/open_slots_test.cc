// Slots on their way while an end is replaced: who knows of them, and who goes on with them.
#include <gtest/gtest.h>

#include "open_slots.h"

namespace skein {
namespace {

TEST_F(OpenSlots, TheHeirOfTheSourceGoesOnSendingToTheTarget) {
  open();
  ASSERT_TRUE(net_.kill_and_wait(1, 4));
  EXPECT_EQ(leaves_for(4), net_.id(0));
  EXPECT_TRUE(net_.logged(4, "slot 8000 is still leaving for"));
  net_.run_for(1s);
  EXPECT_EQ(arrives_from(0), net_.id(4)) << "the target follows the heir";
  EXPECT_EQ(owner(0), net_.id(4)) << "or its map would have a hole";
  EXPECT_EQ(net_.node(0).state(), ClusterState::kOk);
}

TEST_F(OpenSlots, TheHeirOfTheTargetGoesOnTaking) {
  open();
  ASSERT_TRUE(net_.kill_and_wait(0, 3));
  EXPECT_EQ(arrives_from(3), net_.id(1));
  net_.run_for(1s);
  EXPECT_EQ(leaves_for(1), net_.id(3)) << "the source sends clients to the heir";
}

TEST_F(OpenSlots, BothEndsAreReplacedOnRequest) {
  open();
  take_over(4);
  take_over(3);
  EXPECT_EQ(leaves_for(4), net_.id(3));
  EXPECT_EQ(arrives_from(3), net_.id(4));
  EXPECT_EQ(leaves_for(1), "nobody") << "a replica has nothing to give away";
  take_over(1);
  EXPECT_EQ(leaves_for(1), net_.id(3)) << "and back again";
  EXPECT_EQ(arrives_from(3), net_.id(1));
}

TEST_F(OpenSlots, WhatIsClosedIsNotInherited) {
  open();
  open(Slot{8001});
  const std::string_view words[] = {"8000", "stable"};
  ASSERT_TRUE(net_.node(1).set_slot(words, net_.now()));
  ASSERT_TRUE(set_slot(0, "node", 0, Slot{8001}));
  net_.pump();
  ASSERT_TRUE(net_.kill_and_wait(1, 4));
  EXPECT_EQ(leaves_for(4), "nobody");
  EXPECT_EQ(leaves_for(4, Slot{8001}), "nobody");
  EXPECT_EQ(owner(4, Slot{8001}), net_.id(0));
}

// redis-cli --cluster fix makes the node with the most keys the owner; the others are told after that.
TEST_F(OpenSlots, KeysThatHadNotLeftForTheNewOwnerAreKept) {
  open();
  net_.host(1).keys.counts[kSlot.value] = 2;
  const std::string_view slot[] = {"8000"};
  ASSERT_TRUE(net_.node(0).del_slots(slot, net_.now()));
  ASSERT_TRUE(net_.node(0).add_slots(slot, net_.now()));
  ASSERT_TRUE(net_.node(0).bump_epoch(net_.now()));
  net_.pump();
  net_.run_for(3s);
  EXPECT_EQ(owner(1), net_.id(0));
  EXPECT_EQ(arrives_from(1), net_.id(0));
  EXPECT_TRUE(net_.seen<SlotsLost>(1).empty());
  EXPECT_TRUE(net_.logged(1, "are kept, and it stays open [kKeysKept]"));
  net_.expect_one_view();
}

// While slots move one after the other nodes.conf is nearly always being written.
TEST_F(OpenSlots, MarksDoNotWaitForASave) {
  constexpr Slot kBefore{8001};
  open(kBefore);
  for (const std::size_t end : {0u, 1u}) net_.host(end).saves = false;
  ASSERT_TRUE(set_slot(0, "node", 0, kBefore));
  ASSERT_TRUE(set_slot(1, "node", 0, kBefore));
  open();
  const std::string source = net_.id(1);
  const std::string target = net_.id(0);
  for (const std::size_t end : {0u, 1u}) net_.kill(end);
  const std::string_view takeover[] = {"takeover"};
  for (const std::size_t heir : {3u, 4u}) ASSERT_TRUE(net_.node(heir).failover(takeover, net_.now()));
  EXPECT_EQ(arrives_from(3), source);
  EXPECT_EQ(leaves_for(4), target);
  EXPECT_EQ(arrives_from(3, kBefore), source) << "that it has arrived is not saved";
  EXPECT_EQ(leaves_for(4, kBefore), target);
}

// What is saved is told, and no earlier.
TEST_F(OpenSlots, ReplicasHearOfASlotOnceItIsSaved) {
  open();
  net_.host(0).saves = false;
  ASSERT_TRUE(set_slot(0, "node", 0));
  net_.run_for(300ms);
  EXPECT_EQ(owner(3), net_.id(1));
  net_.host(0).saves = true;
  while (net_.host(0).open_save) net_.finish_save(0);
  EXPECT_EQ(owner(3), net_.id(0));
  take_over(3);
  EXPECT_EQ(owner(3), net_.id(3));
  EXPECT_EQ(arrives_from(3), "nobody");
}

// It was no replica yet when the slot was opened.
TEST_F(OpenSlots, ANewReplicaIsShownWhatIsOpen) {
  open();
  ASSERT_TRUE(net_.node(5).replicate(net_.id(1), net_.now()));
  net_.pump();
  net_.run_for(200ms);
  net_.host(4).settings.replica_no_failover = true;
  net_.node(4).on_settings(net_.host(4).settings, net_.now());
  net_.run_for(3s);
  ASSERT_TRUE(net_.kill_and_wait(1, 5));
  EXPECT_EQ(leaves_for(5), net_.id(0));
}

TEST_F(OpenSlots, RedisReplicasAreSentNothingTheyDoNotKnow) {
  open();
  net_.host(1).settings.mark_packets = false;
  net_.node(1).on_settings(net_.host(1).settings, net_.now());
  net_.run_for(4s);
  ASSERT_TRUE(net_.kill_and_wait(1, 4));
  EXPECT_EQ(leaves_for(4), "nobody") << "a primary that marks nothing shows nothing either";
}

// A new primary is being given its first slots: 3, with its replica 4. What has arrived is nowhere else.
class FirstSlots : public testing::Test {
 protected:
  FirstSlots() : net_(6) {
    net_.form(3);
    for (std::size_t i = 0; i < 6; ++i) {
      net_.host(i).data = DataFacts{.offset = {1000}, .primary_link_up = true, .primary_silence = milliseconds{0}};
    }
    EXPECT_TRUE(net_.node(4).replicate(net_.id(3), net_.now()));
    EXPECT_TRUE(net_.node(5).replicate(net_.id(0), net_.now()));
    net_.run_for(3s);
    set_slot(3, "importing", 0);
    set_slot(0, "migrating", 3);
    net_.run_for(1s);
  }
  void set_slot(std::size_t at, std::string_view action, std::size_t other) {
    const std::string id = net_.id(other);
    const std::string_view words[] = {"7", action, id};
    EXPECT_TRUE(net_.node(at).set_slot(words, net_.now()));
    net_.pump();
  }
  bool is_replica_of(std::size_t replica, std::size_t primary) {
    const Topology& topology = net_.node(replica).topology();
    return topology.self().is_replica() && !topology.self().primary.is_none() &&
           topology.node(topology.self().primary).id.view() == net_.id(primary);
  }
  void expect_four_in_its_place() {
    EXPECT_TRUE(net_.node(4).topology().self().is_primary());
    EXPECT_FALSE(net_.node(4).topology().importing_from(Slot{7}).is_none());
    const Topology& source = net_.node(0).topology();
    ASSERT_FALSE(source.migrating_to(Slot{7}).is_none());
    EXPECT_EQ(source.node(source.migrating_to(Slot{7})).id.view(), net_.id(4)) << "clients are sent to the heir";
  }
  void lose_sight_of_three() { net_.host(4).data->primary_link_up = false; }

  Loopback net_;
};

TEST_F(FirstSlots, TheReplicaOfATargetWithoutSlotsTakesItsPlace) {
  net_.crash(3);
  lose_sight_of_three();
  net_.run_for(4s);
  expect_four_in_its_place();
}

TEST_F(FirstSlots, OneThatComesBackEmptyFollowsWhoHasTheData) {
  net_.crash(3);
  lose_sight_of_three();
  net_.run_for(300ms);
  net_.restart(3);
  net_.node(3).hold_back_without_data(net_.now());
  EXPECT_TRUE(net_.node(3).is_holding_back());
  net_.run_for(5s);
  expect_four_in_its_place();
  EXPECT_FALSE(net_.node(3).is_holding_back());
  EXPECT_TRUE(is_replica_of(3, 4));
}

TEST_F(FirstSlots, OneThatWakesUpFollowsWhoHasReplacedIt) {
  net_.host(3).is_frozen = true;
  lose_sight_of_three();
  net_.run_for(5s);
  expect_four_in_its_place();
  net_.host(3).is_frozen = false;
  net_.run_for(3s);
  EXPECT_TRUE(is_replica_of(3, 4));
  EXPECT_TRUE(net_.node(3).topology().importing().empty());
}

// Its data went with it: whoever was well all the time keeps its place.
TEST_F(FirstSlots, AReplicaThatIsResetIsNoHeir) {
  const std::string_view soft[] = {"soft"};
  ASSERT_TRUE(net_.node(4).reset(soft, net_.now()));
  ASSERT_TRUE(net_.node(4).bump_epoch(net_.now()));
  net_.pump();
  net_.meet(0, 4);
  net_.run_for(4s);
  EXPECT_TRUE(net_.node(3).topology().self().is_primary());
  EXPECT_FALSE(net_.node(3).topology().importing_from(Slot{7}).is_none());
}

TEST_F(FirstSlots, WithoutArrivingSlotsThereIsNothingToTake) {
  const std::string_view words[] = {"7", "stable"};
  ASSERT_TRUE(net_.node(3).set_slot(words, net_.now()));
  net_.run_for(1s);
  net_.crash(3);
  lose_sight_of_three();
  net_.run_for(6s);
  EXPECT_TRUE(net_.node(4).topology().self().is_replica());
}

}  // namespace
}  // namespace skein
