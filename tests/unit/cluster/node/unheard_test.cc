// What a primary was given, or gave itself, and was replaced before anybody had heard of it: slots, keys and epochs.
#include <gtest/gtest.h>

#include <skein/cluster/bus/packet.h>

#include "open_slots.h"

namespace skein {
namespace {

// Its replica is elected in that very epoch. Its claim must not come back by the rule for clashes.
TEST_F(OpenSlots, AnEpochThatNobodyHeardOfDoesNotBringAReplacedPrimaryBack) {
  open();
  take_slot_unheard();
  const Epoch taken = net_.node(0).topology().self().config_epoch;
  replace_target_that_stands_still();
  ASSERT_EQ(net_.node(3).topology().self().config_epoch, taken) << "the case this is about";

  net_.host(0).is_frozen = false;
  net_.host(0).is_mute = false;
  expect_no_write_in_its_old_name();
  expect_slot_with_heir();
}

// Nor may it write before it has heard the other one: that the epoch is its own explains nothing.
TEST_F(OpenSlots, AnEpochThatNobodyHeardOfIsNoProofThatNobodyWasElected) {
  open();
  take_slot_unheard();
  replace_target_that_stands_still();
  net_.host(3).is_mute = true;  // its claim does not come through; the voters answer
  net_.host(0).is_frozen = false;
  net_.host(0).is_mute = false;
  net_.run_finely(1500ms, [&] {
    EXPECT_LE(net_.node(0).write_lease_end(), net_.now().mono);
    return false;
  });
  EXPECT_EQ(net_.node(0).lease_figures().verdict, LeaseVerdict::kElectionPossible);
}

// Nobody has ever heard that it was given the slot: that goes on moving to the heir.
TEST_F(OpenSlots, WhoWasReplacedDoesNotKeepWhatOnlyItKnows) {
  open();
  net_.host(0).keys.counts[kSlot.value] = 3;
  take_slot_unheard();
  replace_target_that_stands_still();
  net_.host(0).is_frozen = false;
  net_.run_for(2s);
  EXPECT_TRUE(net_.node(0).topology().self().is_replica());
  EXPECT_TRUE(net_.seen<SlotsLost>(0).empty()) << "the heir's data is copied";
  net_.host(0).is_mute = false;
  net_.run_for(5s);
  EXPECT_EQ(owner(3), net_.id(1));
  EXPECT_EQ(arrives_from(3), net_.id(1));
  EXPECT_EQ(leaves_for(1), net_.id(3));
  EXPECT_EQ(net_.primary_of(0), 3u);
  net_.expect_one_view();
}

// The same with a process that was killed: what it had told whom is forgotten then.
TEST_F(OpenSlots, NorAfterARestart) {
  open();
  take_slot_unheard();
  const Epoch taken = net_.node(0).topology().self().config_epoch;
  net_.kill(0);
  ASSERT_TRUE(net_.run_finely(10s, [&] { return net_.serves(3, 0); }));
  ASSERT_EQ(net_.node(3).topology().self().config_epoch, taken);
  net_.run_for(1s);
  net_.host(0).is_mute = false;
  net_.restart(0);
  expect_no_write_in_its_old_name();
  expect_slot_with_heir();
}

// It comes back with the mark of a slot that its heir has got: as a replica it has no marks, and no other owner in mind.
TEST_F(OpenSlots, AMarkThatIsGoneHidesNoOwner) {
  open();
  net_.host(0).saves = false;
  ASSERT_TRUE(set_slot(0, "node", 0));
  ASSERT_TRUE(set_slot(1, "node", 0));
  ASSERT_TRUE(net_.kill_and_wait(0, 3));
  ASSERT_EQ(owner(3), net_.id(3));
  net_.run_for(1s);
  net_.host(0).saves = true;
  // The heir's header is the last news.
  net_.host(0).is_mute = true;
  net_.host(3).mute_to = 0;
  net_.restart(0);
  ASSERT_EQ(arrives_from(0), net_.id(1));
  net_.run_for(1500ms);
  net_.host(0).is_mute = false;
  net_.host(3).mute_to.reset();
  for (const std::size_t other : {1u, 2u, 4u, 5u}) net_.host(other).mute_to = 0;
  ASSERT_TRUE(net_.run_finely(2s, [&] { return net_.primary_of(0) == 3u; }));
  for (const std::size_t other : {1u, 2u, 4u, 5u}) net_.host(other).mute_to.reset();
  net_.run_for(5s);
  EXPECT_EQ(net_.primary_of(0), 3u);
  EXPECT_EQ(owner(0), net_.id(3));
  net_.expect_one_view();
}

// All have heard the claim of one that wakes up, but its heir, which hears that it follows: nobody would own the slot.
TEST_F(OpenSlots, TheSourceTellsTheHeirWhatItHasLostToItsPredecessor) {
  open();
  take_slot_unheard();
  replace_target_that_stands_still();
  net_.host(0).mute_to = 3;
  net_.host(0).is_mute = net_.host(0).is_frozen = false;
  ASSERT_TRUE(net_.run_finely(2s, [&] { return net_.node(0).topology().self().is_replica(); }));
  net_.run_for(1s);
  EXPECT_TRUE(net_.logged(1, "slot 8000 now belongs to nobody, before to " + net_.id(0)));
  EXPECT_EQ(owner(1), net_.id(3));
  net_.host(0).mute_to.reset();
  expect_slot_with_heir();
}

// Nobody but the old primary has told its replica so: the new owner has not spoken yet.
TEST_F(OpenSlots, AnHeirDoesNotClaimWhatItsPrimaryHadGivenAway) {
  open();
  take_slot_unheard();
  ASSERT_TRUE(set_slot(1, "node", 0));
  net_.run_for(200ms);
  take_over(4);
  EXPECT_NE(owner(4), net_.id(4));
  net_.host(0).is_mute = false;
  net_.run_for(5s);
  EXPECT_EQ(owner(4), net_.id(0));
  net_.expect_one_view();
}

// The heir of the source is elected in that very epoch. The keys are where the operator sent them.
TEST_F(OpenSlots, WhatTheTargetGotUnheardTheHeirOfTheSourceLeavesToIt) {
  // Of two with one epoch the one with the smaller id takes a new one: the case is about the heir's.
  std::size_t from = 0;
  std::size_t to = 1;
  while (net_.id(from + 3) > net_.id(to) && ++from < 3) to = (from + 1) % 3;
  ASSERT_LT(from, 3u);
  const std::size_t heir = from + 3;
  const Slot slot = net_.slot_of(from);
  ASSERT_TRUE(set_slot(to, "importing", from, slot));
  ASSERT_TRUE(set_slot(from, "migrating", to, slot));
  net_.host(to).keys.counts[slot.value] = 3;
  net_.host(to).is_mute = true;
  ASSERT_TRUE(set_slot(to, "node", to, slot));
  net_.host(to).is_frozen = true;
  take_over(heir);
  ASSERT_EQ(net_.node(heir).topology().self().config_epoch, net_.node(to).topology().self().config_epoch);
  net_.host(to).is_frozen = false;
  net_.host(to).is_mute = false;
  net_.run_for(5s);
  for (const std::size_t at : {from, to, heir}) EXPECT_EQ(owner(at, slot), net_.id(to)) << "as " << at << " sees it";
  EXPECT_TRUE(net_.seen<SlotsLost>(to).empty());
  EXPECT_EQ(leaves_for(heir, slot), "nobody");
  net_.expect_one_view();
}

// The heir of the source is elected while the target stands still, in a later epoch than the target has.
class TargetThatWakes : public OpenSlots {
 protected:
  TargetThatWakes() : OpenSlots(20s) {}  // nobody takes the target's own place

  void SetUp() override {
    open();
    net_.host(0).keys.counts[kSlot.value] = 3;
    take_slot_unheard();
    net_.host(0).is_frozen = true;
    for (const std::size_t replica : {5u, 2u, 4u}) {  // the first one has the same epoch, for a moment
      ASSERT_TRUE(net_.node(replica).failover({}, net_.now()));
      ASSERT_TRUE(net_.run_finely(2s, [&] { return net_.node(replica).topology().self().is_primary(); }));
    }
    ASSERT_GT(net_.node(4).topology().self().config_epoch, net_.node(0).topology().self().config_epoch);
    ASSERT_EQ(leaves_for(4), net_.id(0));
  }
  void expect_slot_still_moves() {
    EXPECT_TRUE(net_.seen<SlotsLost>(0).empty()) << "the keys are there alone";
    EXPECT_EQ(owner(0), net_.id(4));
    EXPECT_EQ(arrives_from(0), net_.id(4));
    EXPECT_EQ(owner(4), net_.id(4));
    EXPECT_EQ(leaves_for(4), net_.id(0));
  }
};

TEST_F(TargetThatWakes, KeepsTheKeysOfWhatItHadGot) {
  net_.host(0).is_frozen = false;
  ASSERT_TRUE(net_.run_finely(18s, [&] { return owner(0) == net_.id(4); }));
  expect_slot_still_moves();
  net_.host(0).is_mute = false;
  net_.run_for(30s);
  expect_slot_still_moves();
  net_.expect_one_view();
}

// The heir hears the target's claim and leaves the slot to it; the target hears of the heir's claim and leaves it to the heir.
TEST_F(TargetThatWakes, IsNotLeftWithWhatItHasJustLost) {
  for (const std::size_t other : {1u, 2u, 3u, 4u, 5u}) net_.host(other).mute_to = 0;
  net_.host(0).is_mute = net_.host(0).is_frozen = false;
  ASSERT_TRUE(net_.run_finely(18s, [&] { return owner(4) == net_.id(0); }));
  net_.host(2).mute_to.reset();
  ASSERT_TRUE(net_.run_finely(18s, [&] { return owner(0) == net_.id(4); }));
  for (const std::size_t other : {1u, 3u, 4u, 5u}) net_.host(other).mute_to.reset();
  net_.run_for(30s);
  expect_slot_still_moves();
  net_.expect_one_view();
}

// Nor when a voter, which has not heard of it either, tells what the failed one owned.
TEST_F(OpenSlots, AVotersWordDoesNotBringBackWhatItsPrimaryHadGivenAway) {
  open();
  take_slot_unheard();
  ASSERT_TRUE(set_slot(1, "node", 0));
  net_.run_for(200ms);
  ASSERT_EQ(owner(2), net_.id(1));
  net_.fail_by_word(1);
  for (const std::size_t end : {0u, 1u}) net_.kill(end);
  ASSERT_TRUE(net_.node(4).topology().node(net_.node(4).topology().self().primary).has_failed());
  const std::string_view takeover[] = {"takeover"};
  const Topology& known = net_.node(2).topology();
  const NodeIndex failed_at = known.find(net_.node(4).topology().node(net_.node(4).topology().self().primary).id);
  const Node& failed = known.node(failed_at);
  PacketHeader header;
  header.type = MessageType::kUpdate;
  header.sender = net_.node(2).id();
  header.flags = known.self().flags;
  header.port = 7002;
  header.bus_port = 7002 + kBusPortAbove;
  header.current_epoch = net_.node(2).current_epoch();
  header.config_epoch = known.self().config_epoch;
  const SlotBitmap own = known.slots_of(kSelf);
  header.slots = own.wire();
  const SlotBitmap slots = known.slots_of(failed_at);
  ASSERT_TRUE(slots.has(kSlot));
  net_.tell(2, 4, encode_update(header, {failed.id, failed.config_epoch, slots.wire()}, true));
  ASSERT_TRUE(net_.node(4).failover(takeover, net_.now()));
  EXPECT_NE(owner(4), net_.id(4));
}

// A replica has asked for its place: an epoch that it gave itself meanwhile would take the slots back from
// the elected one, with what that has acknowledged.
TEST_F(OpenSlots, APrimaryThatYieldsAssignsNoSlots) {
  open();
  net_.set_lag(20ms, 20ms);
  ASSERT_TRUE(net_.node(3).failover({}, net_.now()));
  const auto may_assign = [&] { return net_.node(0).may_assign_slots(true, net_.now().mono); };
  EXPECT_TRUE(may_assign());
  ASSERT_TRUE(net_.run_finely(1s, [&] { return !may_assign(); }));
  EXPECT_TRUE(net_.node(0).topology().self().is_primary());
  ASSERT_TRUE(net_.run_finely(1s, [&] { return net_.serves(3, 0); }));
  net_.run_finely(200ms);
  EXPECT_TRUE(may_assign()) << "and is refused as a replica's";
  EXPECT_TRUE(net_.node(0).topology().self().is_replica());
}

// It died before it had heard that a slot was given away, so it still counts that one as its own when
// its heir takes the others: its place is with those, and not where the last one went.
TEST_F(OpenSlots, WhoComesBackFollowsItsHeirWhereverItsLastSlotWent) {
  open();
  net_.kill(1);
  ASSERT_TRUE(set_slot(0, "node", 0));
  net_.run_for(4s);
  ASSERT_TRUE(net_.node(4).topology().self().is_primary());
  ASSERT_EQ(owner(4), net_.id(0));
  net_.host(0).is_mute = true;  // its heir's claim comes first
  net_.restart(1);
  net_.run_for(1s);
  net_.host(0).is_mute = false;
  net_.run_for(4s);
  EXPECT_EQ(net_.primary_of(1), 4u);
  EXPECT_EQ(owner(1), net_.id(0));
  net_.expect_one_view();
}

// A primary that has just started does not know whether it was replaced.
TEST_F(OpenSlots, SlotsAreNotAssignedByOneThatHasJustStarted) {
  const auto may_assign = [&](std::size_t at) {
    const bool holds = net_.node(at).write_lease_end() > net_.now().mono;
    return net_.node(at).may_assign_slots(holds, net_.now().mono);
  };
  EXPECT_TRUE(may_assign(0));
  net_.crash(0);
  net_.run_for(500ms);
  net_.restart(0);
  EXPECT_FALSE(may_assign(0));
  net_.run_for(3s);
  EXPECT_TRUE(may_assign(0));
  // Cut off from the others it is down: the operator may repair it.
  net_.cut(0);
  net_.run_for(6s);
  EXPECT_EQ(net_.node(0).state(), ClusterState::kFail);
  EXPECT_TRUE(may_assign(0));
}

}  // namespace
}  // namespace skein
