// Slots on their way while an end is replaced, and epochs that were taken unheard.
#include <gtest/gtest.h>

#include <skein/cluster/bus/packet.h>

#include "shards.h"

namespace skein {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

// Slots of primary 1 move to primary 0; 3 follows 0, 4 follows 1.
class OpenSlots : public testing::Test {
 protected:
  explicit OpenSlots(milliseconds node_timeout = 2s) : net_(3, 1, node_timeout) {}

  static constexpr Slot kSlot{8000};

  bool set_slot(std::size_t at, std::string_view action, std::size_t other, Slot slot = kSlot) {
    const std::string number = std::to_string(slot.value);
    const std::string id = net_.id(other);
    const std::string_view words[] = {number, action, id};
    const bool done = net_.node(at).set_slot(words, net_.now()).has_value();
    net_.pump();
    return done;
  }
  void open(Slot slot = kSlot) {
    ASSERT_TRUE(set_slot(0, "importing", 1, slot));
    ASSERT_TRUE(set_slot(1, "migrating", 0, slot));
  }
  std::string leaves_for(std::size_t at, Slot slot = kSlot) { return name_of(at, net_.node(at).topology().migrating_to(slot)); }
  std::string arrives_from(std::size_t at, Slot slot = kSlot) {
    return name_of(at, net_.node(at).topology().importing_from(slot));
  }
  std::string owner(std::size_t at, Slot slot = kSlot) { return name_of(at, net_.node(at).topology().owner(slot)); }
  std::string name_of(std::size_t at, NodeIndex index) {
    return index.is_none() ? "nobody" : net_.node(at).topology().node(index).id.str();
  }
  // The target gives itself an epoch by SETSLOT and dies or stands still before anybody has heard of it.
  void take_slot_unheard() {
    net_.host(0).is_mute = true;  // what it says from now on is lost
    ASSERT_TRUE(set_slot(0, "node", 0));
  }
  void expect_no_write_in_its_old_name() {
    for (int i = 0; i < 3000; ++i) {
      net_.run_finely(1ms);
      const ClusterNode& old = net_.node(0);
      EXPECT_FALSE(old.write_lease_end() > net_.now().mono && old.topology().owner(net_.slot_of(0)) == kSelf);
    }
    EXPECT_EQ(net_.owner_of(0), 3u) << "the elected one keeps what it was elected for";
  }
  // What its predecessor had been given is the heir's, as the keys are, once anybody has heard of it.
  void expect_slot_with_heir() {
    net_.run_for(5s);
    EXPECT_EQ(owner(3), net_.id(3));
    EXPECT_EQ(arrives_from(3), "nobody");
    EXPECT_EQ(net_.primary_of(0), 3u);
    net_.expect_one_view();
  }
  void take_over(std::size_t replica) {
    ASSERT_TRUE(net_.node(replica).failover({}, net_.now()));
    net_.pump();
    net_.run_for(1s);
    ASSERT_TRUE(net_.node(replica).topology().self().is_primary());
  }

  Shards net_;
};

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

// Its replica is elected in that very epoch. Its claim must not come back by the rule for clashes.
TEST_F(OpenSlots, AnEpochThatNobodyHeardOfDoesNotBringAReplacedPrimaryBack) {
  open();
  take_slot_unheard();
  const Epoch taken = net_.node(0).topology().self().config_epoch;
  net_.host(0).is_frozen = true;
  net_.host(3).data->primary_link_up = false;
  ASSERT_TRUE(net_.run_finely(10s, [&] { return net_.serves(3, 0); }));
  ASSERT_EQ(net_.node(3).topology().self().config_epoch, taken) << "the case this is about";
  net_.run_for(1s);

  net_.host(0).is_frozen = false;
  net_.host(0).is_mute = false;
  expect_no_write_in_its_old_name();
  expect_slot_with_heir();
}

// Nor may it write before it has heard the other one: that the epoch is its own explains nothing.
TEST_F(OpenSlots, AnEpochThatNobodyHeardOfIsNoProofThatNobodyWasElected) {
  open();
  take_slot_unheard();
  net_.host(0).is_frozen = true;
  net_.host(3).data->primary_link_up = false;
  ASSERT_TRUE(net_.run_finely(10s, [&] { return net_.serves(3, 0); }));
  net_.run_for(1s);
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
  net_.host(0).is_frozen = true;
  net_.host(3).data->primary_link_up = false;
  ASSERT_TRUE(net_.run_finely(10s, [&] { return net_.serves(3, 0); }));
  net_.run_for(1s);
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
  net_.host(0).is_frozen = true;
  net_.host(3).data->primary_link_up = false;
  ASSERT_TRUE(net_.run_finely(10s, [&] { return net_.serves(3, 0); }));
  net_.run_for(1s);
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
