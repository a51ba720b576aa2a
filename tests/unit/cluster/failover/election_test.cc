#include <skein/cluster/failover/election.h>
#include <skein/cluster/failover/election_queue.h>

#include <gtest/gtest.h>

#include <map>

namespace skein {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using Step = Election::Step;

const MonoTime kStart{std::chrono::hours{1}};

Node node_called(char c, NodeFlags flags, NodeIndex primary = kNoNode) {
  Node node;
  node.id = *NodeId::parse(std::string(40, c));
  node.flags = flags;
  node.primary = primary;
  return node;
}

// A failed primary with a slot; this node and two others are its replicas.
struct Shard {
  Topology topology{node_called('d', NodeFlag::kReplica | NodeFlag::kMyself)};
  NodeIndex primary = *topology.add(node_called('a', NodeFlag::kPrimary | NodeFlag::kFail));
  NodeIndex c = *topology.add(node_called('c', NodeFlag::kReplica, primary));
  NodeIndex e = *topology.add(node_called('e', NodeFlag::kReplica, primary));
  StandingFacts facts{.node_timeout = 2000ms, .ping_period = 10s, .data_age = 2100ms};

  Shard() {
    topology.edit(kSelf, [&](Node& node) { node.primary = primary; });
    topology.set_owner({0}, primary);
  }
  [[nodiscard]] StandVerdict verdict() const { return judge_standing(topology, facts); }
};

TEST(Standing, NamesEveryReasonNotTo) {
  {
    Shard shard;
    EXPECT_EQ(shard.verdict(), StandVerdict::kStand);
    shard.topology.edit(kSelf, [](Node& node) { node.primary = kNoNode; });
    EXPECT_EQ(shard.verdict(), StandVerdict::kPrimaryUnknown);
    shard.topology.edit(kSelf, [](Node& node) { node.flags = NodeFlag::kPrimary; });
    EXPECT_EQ(shard.verdict(), StandVerdict::kNotAReplica);
  }
  {
    Shard shard;
    shard.topology.edit(shard.primary, [](Node& node) { node.flags.clear(NodeFlag::kFail).set(NodeFlag::kPfail); });
    EXPECT_EQ(shard.verdict(), StandVerdict::kPrimaryUp);
    shard.facts.by_request = true;
    EXPECT_EQ(shard.verdict(), StandVerdict::kStand);
  }
  {
    Shard shard;
    shard.facts.by_request = true;
    shard.topology.set_owner({0}, kNoNode);
    EXPECT_EQ(shard.verdict(), StandVerdict::kNothingToTake);
  }
  {
    Shard shard;
    shard.facts.told_not_to = true;
    EXPECT_EQ(shard.verdict(), StandVerdict::kToldNotTo);
    shard.facts.by_request = true;
    EXPECT_EQ(shard.verdict(), StandVerdict::kStand) << "an operator's word counts more";
  }
  {
    Shard shard;
    shard.facts.data_age = milliseconds::max();
    EXPECT_EQ(shard.verdict(), StandVerdict::kNotInSync);
    shard.facts.validity_factor = 0;
    EXPECT_EQ(shard.verdict(), StandVerdict::kStand);
  }
  {
    Shard shard;
    shard.facts.data_age = 32000ms;
    EXPECT_EQ(shard.verdict(), StandVerdict::kStand) << "10 s of pings, ten timeouts and the one to find out";
    shard.facts.data_age = 32001ms;
    EXPECT_EQ(shard.verdict(), StandVerdict::kDataTooOld);
    shard.facts.validity_factor = 1;
    shard.facts.data_age = 14001ms;
    EXPECT_EQ(shard.verdict(), StandVerdict::kDataTooOld);
  }
}

TEST(Standing, RankIsByOffsetThenById) {
  Shard shard;
  std::map<NodeIndex, ReplOffset> offsets{{shard.c, {10}}, {shard.e, {10}}};
  const auto rank = [&](std::int64_t own) {
    return rank_among(rival_replicas(shard.topology), shard.topology, {own}, [&](NodeIndex i) { return offsets.at(i); });
  };
  EXPECT_EQ(rank(11), 0);
  EXPECT_EQ(rank(10), 1) << "c has as much and a smaller id";
  EXPECT_EQ(rank(9), 2);
  for (const NodeFlag flag : {NodeFlag::kPfail, NodeFlag::kFail, NodeFlag::kNoFailover}) {
    shard.topology.edit(shard.c, [&](Node& node) { node.flags = NodeFlag::kReplica | flag; });
    EXPECT_EQ(rank(10), 0) << "c cannot stand";
    EXPECT_EQ(rank(9), 1);
  }
}

struct Round {
  Election election;
  Random random{1};
  MonoTime now = kStart;
  Election::Situation situation{.node_timeout = 2000ms, .current_epoch = {5}};

  Step step(milliseconds later = 0ms) {
    now += later;
    return election.step(situation, now, random);
  }
  void begin() {
    situation.current_epoch = situation.current_epoch.next();
    election.begin_round(situation.current_epoch, 2000ms, now);
  }
};

TEST(Rounds, TheBestPlacedAsksAtOnceAndAgainEveryTick) {
  Round round;
  EXPECT_EQ(round.step(), Step::kAsk);
  round.begin();
  EXPECT_EQ(round.step(), Step::kWaitForVotes);
  EXPECT_EQ(round.step(89ms), Step::kWaitForVotes);
  EXPECT_EQ(round.step(11ms), Step::kRepeat);
  EXPECT_EQ(round.step(), Step::kWaitForVotes) << "asked again without need";
  EXPECT_EQ(round.step(100ms), Step::kRepeat);
}

TEST(Rounds, OthersWaitForTheirRank) {
  for (int rank = 1; rank < 4; ++rank) {
    Round round;
    round.situation.rank = rank;
    EXPECT_EQ(round.step(), Step::kWaitForRank);
    EXPECT_EQ(round.step(499ms + 1000ms * rank), Step::kWaitForRank);
    EXPECT_EQ(round.step(501ms), Step::kAsk);
  }
  Round round;
  round.situation.rank = 1;
  EXPECT_EQ(round.step(), Step::kWaitForRank);
  round.situation.rank = 0;
  EXPECT_EQ(round.step(), Step::kAsk) << "those before it are gone";
}

TEST(Rounds, OffsetsAreWaitedForButNotForLong) {
  Round round;
  round.situation.offsets_known = false;
  EXPECT_EQ(round.step(), Step::kWaitForOffsets);
  EXPECT_EQ(round.step(199ms), Step::kWaitForOffsets);
  EXPECT_EQ(round.step(1ms), Step::kAsk);
}

TEST(Rounds, ARequestWaitsForNothing) {
  Round round;
  round.situation = {.node_timeout = 2000ms, .rank = 3, .offsets_known = false, .is_turn = false, .by_request = true};
  EXPECT_EQ(round.step(), Step::kAsk);
}

TEST(Rounds, EndAndAreTriedAgainAsWithRedis) {
  Round round;
  ASSERT_EQ(round.step(), Step::kAsk);
  round.begin();
  EXPECT_EQ(round.step(4000ms), Step::kRepeat);
  EXPECT_EQ(round.step(1ms), Step::kExpired);
  EXPECT_FALSE(round.election.on_vote({7}, {6}, round.now)) << "that round is over";
  EXPECT_EQ(round.step(), Step::kWaitToRetry);
  EXPECT_EQ(round.step(3998ms), Step::kWaitToRetry);
  EXPECT_EQ(round.step(1ms), Step::kAsk);
}

TEST(Rounds, AnOvertakenOneIsFollowedByAnotherSoon) {
  Round round;
  ASSERT_EQ(round.step(), Step::kAsk);
  round.begin();
  round.situation.current_epoch = {9};
  EXPECT_EQ(round.step(1ms), Step::kWaitForVotes);
  EXPECT_EQ(round.step(149ms), Step::kRepeat) << "votes may be on their way";
  EXPECT_TRUE(round.election.on_vote({7}, {6}, round.now));
  EXPECT_EQ(round.step(201ms), Step::kAsk);
  round.begin();
  EXPECT_EQ(round.election.round(), Epoch{10});
  EXPECT_EQ(round.election.votes(round.now), 0u);
}

TEST(Rounds, ARivalInTheSameEpochOvertakes) {
  Round round;
  ASSERT_EQ(round.step(), Step::kAsk);
  round.begin();
  round.election.on_rival({5}, round.now, round.random);
  EXPECT_NE(round.step(360ms), Step::kAsk) << "an older one does not";
  round.election.on_rival({6}, round.now, round.random);
  EXPECT_EQ(round.step(360ms), Step::kAsk);
}

// What a voter thought a while ago is not what it thinks now.
TEST(Rounds, AVoteIsToBeGivenAgain) {
  Round round;
  ASSERT_EQ(round.step(), Step::kAsk);
  round.begin();
  ASSERT_EQ(vote_lifetime(2000ms), 500ms);
  EXPECT_TRUE(round.election.on_vote({7}, {6}, round.now));
  EXPECT_TRUE(round.election.on_vote({8}, {6}, round.now, true)) << "a redis-server gives it once";
  round.now += 250ms;
  EXPECT_TRUE(round.election.has_vote_of({7}, round.now));
  round.now += 1ms;
  EXPECT_FALSE(round.election.has_vote_of({7}, round.now)) << "time to ask";
  EXPECT_EQ(round.election.votes(round.now), 2u);
  round.now += 250ms;
  EXPECT_EQ(round.election.votes(round.now), 1u);
  EXPECT_TRUE(round.election.on_vote({7}, {6}, round.now));
  EXPECT_EQ(round.election.votes(round.now), 2u);
  EXPECT_TRUE(round.election.has_vote_of({8}, round.now));
}

TEST(Rounds, VotesCountOnceAndInTheirRound) {
  Round round;
  EXPECT_FALSE(round.election.on_vote({7}, {6}, round.now)) << "nothing was asked";
  ASSERT_EQ(round.step(), Step::kAsk);
  round.begin();
  EXPECT_FALSE(round.election.on_vote({7}, {5}, round.now));
  EXPECT_TRUE(round.election.on_vote({7}, {6}, round.now));
  EXPECT_TRUE(round.election.on_vote({7}, {6}, round.now)) << "given again";
  EXPECT_TRUE(round.election.on_vote({8}, {6}, round.now));
  EXPECT_EQ(round.election.votes(round.now), 2u);
  EXPECT_TRUE(round.election.has_vote_of({8}, round.now));
  round.now += 4001ms;
  EXPECT_FALSE(round.election.on_vote({9}, {6}, round.now)) << "read after a standstill";
  round.election.stop();
  EXPECT_TRUE(round.election.is_resting());
}

TEST(Queue, EachFollowsWhenTheOneBeforeHasAsked) {
  ElectionQueue queue;
  const std::vector<NodeIndex> failed{{3}, {1}, {2}};
  EXPECT_TRUE(queue.judge(failed, {.primary = {3}}, kStart).is_ours);
  auto turn = queue.judge(failed, {.primary = {2}}, kStart);
  EXPECT_FALSE(turn.is_ours);
  EXPECT_EQ(turn.waits_for, NodeIndex{3});
  EXPECT_EQ(turn.ahead, 2u);
  queue.note_asked({3}, {5}, kStart);
  EXPECT_EQ(queue.judge(failed, {.primary = {2}}, kStart).waits_for, NodeIndex{1});
  queue.note_asked({1}, {6}, kStart);
  EXPECT_TRUE(queue.judge(failed, {.primary = {2}}, kStart).is_ours);
}

TEST(Queue, WhoDoesNotAskIsPassed) {
  ElectionQueue queue;
  const std::vector<NodeIndex> failed{{3}, {1}, {2}};
  EXPECT_FALSE(queue.judge(failed, {.primary = {2}}, kStart).is_ours);
  EXPECT_FALSE(queue.judge(failed, {.primary = {2}}, kStart + 149ms).is_ours);
  EXPECT_EQ(queue.judge(failed, {.primary = {2}}, kStart + 150ms).waits_for, NodeIndex{1});
  const auto turn = queue.judge(failed, {.primary = {2}}, kStart + 300ms);
  EXPECT_TRUE(turn.is_ours);
  EXPECT_EQ(turn.silent, 2u);
  queue.note_asked({1}, {6}, kStart);
  EXPECT_EQ(queue.judge(failed, {.primary = {2}}, kStart + 300ms).silent, 1u);
}

TEST(Queue, WhoIsReplacedIsForgotten) {
  ElectionQueue queue;
  queue.note_asked({3}, {5}, kStart);
  EXPECT_TRUE(queue.judge({{2}}, {.primary = {2}}, kStart).is_ours);
  EXPECT_EQ(queue.judge({{3}, {2}}, {.primary = {2}}, kStart).waits_for, NodeIndex{3}) << "it has failed once more";
}

// Nine or more: a request that comes late must not meet the next one's epoch.
TEST(Queue, AmongManyEachLeavesTheOneBeforeAMoment) {
  ElectionQueue queue;
  std::vector<NodeIndex> failed;
  for (std::uint16_t i = 1; i <= 9; ++i) failed.push_back({i});
  EXPECT_TRUE(queue.judge(failed, {.primary = {1}}, kStart).is_ours) << "nobody has asked yet";
  queue.note_asked({1}, {5}, kStart);
  const auto turn = queue.judge(failed, {.primary = {2}}, kStart);
  EXPECT_FALSE(turn.is_ours);
  EXPECT_EQ(turn.not_before, kStart + 20ms);
  EXPECT_FALSE(turn.has_come(kStart + 19ms));
  EXPECT_TRUE(turn.has_come(kStart + 20ms));
  EXPECT_TRUE(queue.judge(failed, {.primary = {2}}, kStart + 20ms).is_ours);
  EXPECT_TRUE(queue.judge(failed, {.primary = {2}, .prepares = 6ms}, kStart + 14ms).is_ours);
  queue.note_asked({1}, {5}, kStart + 100ms);
  EXPECT_EQ(queue.judge(failed, {.primary = {2}}, kStart).not_before, kStart + 20ms) << "a repeated request is none";
  failed.pop_back();
  EXPECT_TRUE(queue.judge(failed, {.primary = {2}}, kStart).is_ours) << "a few do not wait";
}

TEST(Queue, WhoAsksAgainFollowsThoseWhoHaveNotAsked) {
  ElectionQueue queue;
  std::vector<NodeIndex> failed;
  for (std::uint16_t i = 1; i <= 9; ++i) failed.push_back({i});
  for (std::uint16_t i = 1; i <= 3; ++i) queue.note_asked({i}, {i}, kStart);
  const auto again = [&](std::uint16_t primary) {
    return queue.judge(failed, {.primary = {primary}, .again = true}, kStart).not_before - kStart;
  };
  EXPECT_EQ(queue.judge(failed, {.primary = {4}}, kStart).not_before, kStart + 20ms);
  EXPECT_EQ(again(1), 40ms) << "the next after the last, around the end";
  EXPECT_EQ(again(2), 60ms);
}

TEST(Queue, OnlyPrimariesThatCanBeReplacedStandInIt) {
  Shard shard;
  const auto always = [](NodeIndex) { return true; };
  const auto z = *shard.topology.add(node_called('9', NodeFlag::kPrimary));
  shard.topology.set_owner({1}, z);
  EXPECT_EQ(primaries_to_replace(shard.topology, always), std::vector{shard.primary}) << "9 has no replica";
  const auto y = *shard.topology.add(node_called('8', NodeFlag::kReplica, z));
  EXPECT_EQ(primaries_to_replace(shard.topology, always), (std::vector{z, shard.primary}));
  EXPECT_EQ(primaries_to_replace(shard.topology, [&](NodeIndex i) { return i != z; }), std::vector{shard.primary});
  shard.topology.edit(y, [](Node& node) { node.flags.set(NodeFlag::kFail); });
  EXPECT_EQ(primaries_to_replace(shard.topology, always), std::vector{shard.primary});
}

}  // namespace
}  // namespace skein
