#include <skein/cluster/failover/orphans.h>
#include <skein/cluster/failover/takeover.h>

#include <gtest/gtest.h>

namespace skein {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

const MonoTime kStart{std::chrono::hours{1}};

Node node_called(char c, NodeFlags flags, NodeIndex primary = kNoNode) {
  Node node;
  node.id = *NodeId::parse(std::string(40, c));
  node.flags = flags;
  node.primary = primary;
  return node;
}

TEST(Bid, WaitsForTheOffsetAndForTheDataUpToThere) {
  TakeoverBid bid;
  EXPECT_FALSE(bid.on_processed({100})) << "nothing was asked";
  bid.ask(kStart);
  EXPECT_FALSE(bid.on_processed({100})) << "the primary has not paused yet";
  EXPECT_TRUE(bid.on_paused({50}, false, kStart));
  EXPECT_FALSE(bid.on_paused({60}, false, kStart)) << "the first one counts";
  EXPECT_TRUE(bid.is_catching_up());
  EXPECT_FALSE(bid.on_processed({49}));
  EXPECT_FALSE(bid.may_elect());
  EXPECT_TRUE(bid.on_processed({50}));
  EXPECT_TRUE(bid.may_elect());
  EXPECT_FALSE(bid.on_processed({51})) << "told once";
}

TEST(Bid, EndsAfterFiveSecondsWhateverItWaitsFor) {
  for (const int progress : {0, 1, 2}) {
    TakeoverBid bid;
    bid.ask(kStart);
    if (progress > 0) bid.on_paused({50}, false, kStart);
    if (progress > 1) bid.on_processed({50});
    EXPECT_FALSE(bid.expire(kStart + 4999ms));
    EXPECT_TRUE(bid.expire(kStart + 5s));
    EXPECT_FALSE(bid.expire(kStart + 5s));
    EXPECT_FALSE(bid.is_under_way());
  }
}

TEST(Bid, AnOfferIsTakenAndCanBeWithdrawn) {
  TakeoverBid bid;
  EXPECT_FALSE(bid.on_paused({50}, false, kStart)) << "meant for another replica";
  EXPECT_TRUE(bid.on_paused({50}, true, kStart));
  EXPECT_TRUE(bid.on_processed({70}));
  EXPECT_TRUE(bid.on_unpaused());
  EXPECT_FALSE(bid.may_elect());
  bid.ask(kStart);
  EXPECT_FALSE(bid.on_unpaused()) << "the pause that was asked for has not begun";
  EXPECT_TRUE(bid.is_under_way());
}

TEST(Bid, EndsWhenThePrimaryHasForgottenItsPause) {
  TakeoverBid bid;
  bid.ask(kStart);
  EXPECT_TRUE(bid.on_paused({50}, false, kStart));
  EXPECT_TRUE(bid.on_processed({50}));
  EXPECT_TRUE(bid.on_unpaused()) << "it was restarted, and takes writes again";
  EXPECT_FALSE(bid.may_elect());
  bid.force(kStart);
  EXPECT_FALSE(bid.on_unpaused()) << "that does not ask for a pause";
  EXPECT_TRUE(bid.may_elect());
}

TEST(Bid, AnOfferEndsBeforeTheWritersGoOn) {
  TakeoverBid bid;
  EXPECT_TRUE(bid.on_paused({50}, true, kStart));
  for (auto later = 100ms; later < 4s; later += 100ms) EXPECT_FALSE(bid.on_paused({50}, true, kStart + later));
  EXPECT_TRUE(bid.expire(kStart + 4s));
  EXPECT_FALSE(bid.on_paused({50}, true, kStart + 4s)) << "it is the same offer";
  EXPECT_FALSE(bid.on_unpaused());
  EXPECT_TRUE(bid.on_paused({50}, true, kStart + 4s)) << "and this a new one";
}

TEST(Bid, ForceWaitsForNothing) {
  TakeoverBid bid;
  bid.force(kStart);
  EXPECT_TRUE(bid.may_elect());
}

TEST(Yield, ShowsThePauseOnlyWithAnOffsetOfAfterIt) {
  TakeoverYield yield;
  EXPECT_FALSE(yield.on_data());
  yield.begin({4}, false, kStart);
  EXPECT_FALSE(yield.is_paused_towards({4}));
  EXPECT_TRUE(yield.on_data());
  EXPECT_FALSE(yield.on_data());
  EXPECT_TRUE(yield.is_paused_towards({4}));
  EXPECT_FALSE(yield.is_paused_towards({5}));
  EXPECT_FALSE(yield.is_handover());
  EXPECT_TRUE(yield.expire(kStart + 5s));
  EXPECT_TRUE(yield.replica().is_none());
}

TEST(Successor, IsTheMostAdvancedOneThatCanBeReached) {
  Topology topology{node_called('b', NodeFlag::kPrimary | NodeFlag::kMyself)};
  const auto c = *topology.add(node_called('c', NodeFlag::kReplica, kSelf));
  const auto d = *topology.add(node_called('d', NodeFlag::kReplica, kSelf));
  std::vector<ReplicaFacts> facts{{d, true, true, {100}}, {c, true, true, {100}}};
  EXPECT_EQ(choose_successor(topology, facts).verdict, HandoverVerdict::kNoSlots);
  topology.set_owner({0}, kSelf);
  EXPECT_EQ(choose_successor(topology, {}).verdict, HandoverVerdict::kNoReplica);
  EXPECT_EQ(choose_successor(topology, facts).replica, c);
  facts[1].is_skein = false;
  EXPECT_EQ(choose_successor(topology, facts).replica, d) << "of equals the one that understands";
  facts[1].offset = {101};
  EXPECT_EQ(choose_successor(topology, facts).replica, c);
  EXPECT_EQ(choose_successor(topology, facts).verdict, HandoverVerdict::kAskAsClient);
  facts[1].link_is_up = false;
  EXPECT_EQ(choose_successor(topology, facts).replica, d);
  EXPECT_EQ(choose_successor(topology, facts).verdict, HandoverVerdict::kHandOver);
  facts[0].offset = {0};
  EXPECT_EQ(choose_successor(topology, facts).verdict, HandoverVerdict::kNoData);
  topology.edit(d, [](Node& node) { node.flags.set(NodeFlag::kPfail); });
  EXPECT_EQ(choose_successor(topology, facts).verdict, HandoverVerdict::kNotReachable);
  for (const NodeIndex each : {c, d}) topology.edit(each, [](Node& node) { node.flags.set(NodeFlag::kNoFailover); });
  EXPECT_EQ(choose_successor(topology, facts).verdict, HandoverVerdict::kNoReplica);
}

// Primary p ('a') has replicas 'c' (this node), 'd' and 'e'; primary o has had one.
struct Spare {
  Topology topology{node_called('c', NodeFlag::kReplica | NodeFlag::kMyself)};
  NodeIndex p = *topology.add(node_called('a', NodeFlag::kPrimary));
  NodeIndex o = *topology.add(node_called('f', NodeFlag::kPrimary | NodeFlag::kMigrateTo));
  NodeIndex d = *topology.add(node_called('d', NodeFlag::kReplica, p));
  NodeIndex e = *topology.add(node_called('e', NodeFlag::kReplica, p));
  Orphans orphans;
  MonoTime now = kStart;
  bool allowed = true;
  int barrier = 1;
  bool serves = true;

  Spare() {
    topology.edit(kSelf, [&](Node& node) { node.primary = p; });
    topology.set_owner({0}, p);
    topology.set_owner({1}, o);
  }
  OrphanVerdict verdict() { return orphans.judge(topology, allowed, barrier, serves, now).verdict; }
  OrphanVerdict verdict_later() {
    verdict();
    now += 5001ms;
    return verdict();
  }
};

TEST(Orphans, AreFollowedAfterFiveSeconds) {
  Spare spare;
  EXPECT_EQ(spare.verdict(), OrphanVerdict::kTooSoon);
  spare.now += 5000ms;
  EXPECT_EQ(spare.verdict(), OrphanVerdict::kTooSoon);
  spare.now += 1ms;
  const auto choice = spare.orphans.judge(spare.topology, true, 1, true, spare.now);
  EXPECT_EQ(choice.verdict, OrphanVerdict::kFollow);
  EXPECT_EQ(choice.orphan, spare.o);
}

TEST(Orphans, EveryReasonToStay) {
  {
    Spare spare;
    spare.allowed = false;
    EXPECT_EQ(spare.verdict_later(), OrphanVerdict::kForbidden);
  }
  {
    Spare spare;
    spare.serves = false;
    EXPECT_EQ(spare.verdict_later(), OrphanVerdict::kClusterDown);
  }
  {
    Spare spare;
    spare.barrier = 3;
    EXPECT_EQ(spare.verdict_later(), OrphanVerdict::kPrimaryNeedsUs);
  }
  {
    Spare spare;
    spare.topology.edit(spare.d, [](Node& node) { node.flags.set(NodeFlag::kFail); });
    EXPECT_EQ(spare.verdict_later(), OrphanVerdict::kFollow);
    spare.topology.edit(spare.e, [](Node& node) { node.flags.set(NodeFlag::kFail); });
    EXPECT_EQ(spare.verdict(), OrphanVerdict::kPrimaryNeedsUs) << "only working ones count";
  }
  {
    Spare spare;
    spare.topology.add(node_called('1', NodeFlag::kReplica, spare.p));
    EXPECT_EQ(spare.verdict_later(), OrphanVerdict::kAnotherGoes);
  }
  {
    Spare spare;
    const auto rich = *spare.topology.add(node_called('9', NodeFlag::kPrimary));
    for (const char c : {'5', '6', '7', '8'}) spare.topology.add(node_called(c, NodeFlag::kReplica, rich));
    EXPECT_EQ(spare.verdict_later(), OrphanVerdict::kOthersHaveMore);
  }
  {
    Spare spare;
    spare.topology.edit(spare.o, [](Node& node) { node.flags.clear(NodeFlag::kMigrateTo); });
    EXPECT_EQ(spare.verdict_later(), OrphanVerdict::kNoOrphan) << "it never had a replica";
  }
  {
    Spare spare;
    spare.topology.edit(spare.o, [](Node& node) { node.flags.set(NodeFlag::kFail); });
    EXPECT_EQ(spare.verdict_later(), OrphanVerdict::kNoOrphan) << "it needs an heir, not a replica";
  }
  {
    Spare spare;
    spare.topology.add(node_called('2', NodeFlag::kReplica, spare.o));
    EXPECT_EQ(spare.verdict_later(), OrphanVerdict::kNoOrphan);
  }
}

TEST(Orphans, TheWaitBeginsAnewWithEachTime) {
  Spare spare;
  spare.verdict();
  spare.now += 4s;
  const auto guest = *spare.topology.add(node_called('2', NodeFlag::kReplica, spare.o));
  EXPECT_EQ(spare.verdict(), OrphanVerdict::kNoOrphan);
  spare.topology.edit(guest, [](Node& node) { node.flags.set(NodeFlag::kFail); });
  spare.now += 2s;
  EXPECT_EQ(spare.verdict(), OrphanVerdict::kTooSoon);
  EXPECT_EQ(spare.verdict_later(), OrphanVerdict::kFollow);
}

}  // namespace
}  // namespace skein
