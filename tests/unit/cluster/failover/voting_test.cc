#include <skein/cluster/failover/epochs.h>
#include <skein/cluster/failover/voting.h>

#include <gtest/gtest.h>

namespace skein {
namespace {

using std::chrono_literals::operator""ms;

const MonoTime kNow{std::chrono::hours{1}};
constexpr milliseconds kTimeout{1000};

Node node_called(char c, NodeFlags flags) {
  Node node;
  node.id = *NodeId::parse(std::string(40, c));
  node.flags = flags;
  return node;
}

// Us with slot 0, a failed primary with slot 1, its replica that asks.
struct Election {
  Topology topology{node_called('b', NodeFlag::kPrimary | NodeFlag::kMyself)};
  NodeIndex primary = *topology.add(node_called('c', NodeFlag::kPrimary | NodeFlag::kFail));
  NodeIndex candidate = *topology.add(node_called('d', NodeFlag::kReplica));
  NodeIndex rival = *topology.add(node_called('e', NodeFlag::kReplica));
  SlotBitmap slots;
  Voter us{.current_epoch = {8}, .last_vote_epoch = {7}};
  VoteRequest ask;

  Election() {
    topology.edit(candidate, [&](Node& node) { node.primary = primary; });
    topology.edit(primary, [](Node& node) { node.config_epoch = {4}; });
    topology.set_owner({0}, kSelf);
    topology.set_owner({1}, primary);
    slots.set({1});
    ask = {candidate, {8}, {4}, slots.wire(), false};
  }
  VoteFacts facts{.now = kNow, .node_timeout = kTimeout};
  [[nodiscard]] VoteVerdict verdict() const { return judge_vote(ask, us, topology, facts); }
  [[nodiscard]] std::string description() const { return describe_vote(verdict(), ask, us, topology, facts); }
};

TEST(Voting, GrantsWhatIsInOrder) {
  Election election;
  EXPECT_EQ(election.verdict(), VoteVerdict::kGrant);
  EXPECT_EQ(election.description(), "Failover auth granted to " + std::string(40, 'd') + " for epoch 8");
}

TEST(Voting, NamesEveryRefusal) {
  {
    Election e;
    e.topology.set_owner({0}, kNoNode);
    EXPECT_EQ(e.verdict(), VoteVerdict::kNotAVoter);
  }
  {
    Election e;
    e.ask.current_epoch = {7};
    EXPECT_EQ(e.verdict(), VoteVerdict::kStaleEpoch);
  }
  {
    Election e;
    e.us.last_vote_epoch = {8};
    EXPECT_EQ(e.verdict(), VoteVerdict::kEpochSpent);
  }
  {
    Election e;
    e.ask.candidate = e.primary;
    EXPECT_EQ(e.verdict(), VoteVerdict::kNotAReplica);
  }
  {
    Election e;
    e.topology.edit(e.candidate, [](Node& node) { node.primary = kNoNode; });
    EXPECT_EQ(e.verdict(), VoteVerdict::kPrimaryUnknown);
  }
  {
    Election e;
    e.topology.edit(e.primary, [](Node& node) { node.flags.clear(NodeFlag::kFail); });
    EXPECT_EQ(e.verdict(), VoteVerdict::kPrimaryStillUp);
    e.ask.forced = true;
    EXPECT_EQ(e.verdict(), VoteVerdict::kGrant);
  }
  {
    Election e;
    e.us.last_votes = {{e.primary, e.rival, {7}, kNow - 1999ms}};
    EXPECT_EQ(e.verdict(), VoteVerdict::kVotedTooRecently);
    EXPECT_EQ(e.description(), "Failover auth denied to " + std::string(40, 'd') +
                                   ": can't vote about this master before 1 milliseconds");
    e.us.last_votes[0].at = kNow - 2000ms;
    EXPECT_EQ(e.verdict(), VoteVerdict::kGrant);
  }
  {
    Election e;
    e.topology.edit(e.primary, [](Node& node) { node.config_epoch = {5}; });
    EXPECT_EQ(e.verdict(), VoteVerdict::kSlotsMovedOn);
    EXPECT_EQ(e.description(), "Failover auth denied to " + std::string(40, 'd') + ": slot 1 epoch (5) > reqEpoch (4)");
  }
}

TEST(Voting, TheOneWhoHasTheVoteIsNoRival) {
  Election e;
  e.us.last_votes = {{e.primary, e.candidate, {7}, kNow - 1ms}};
  EXPECT_EQ(e.verdict(), VoteVerdict::kGrant) << "in a newer epoch";
  e.us.note_vote(e.primary, e.candidate, kNow);
  EXPECT_EQ(e.us.last_vote_epoch, Epoch{8});
  EXPECT_EQ(e.verdict(), VoteVerdict::kGrantAgain) << "its answer may have been lost";
  e.facts.primary_heard = kNow;
  EXPECT_EQ(e.verdict(), VoteVerdict::kPrimaryHeard) << "not after the primary has been heard";
  e.facts.primary_heard = {};
  e.ask.candidate = e.rival;
  e.topology.edit(e.rival, [&](Node& node) { node.primary = e.primary; });
  EXPECT_EQ(e.verdict(), VoteVerdict::kEpochSpent);
  e.us.forget(e.candidate);
  e.us.current_epoch = e.ask.current_epoch = {9};
  EXPECT_EQ(e.verdict(), VoteVerdict::kGrant);
}

TEST(Voting, AnOlderVoteIsNotGivenAgain) {
  Election e;
  e.us.last_votes = {{e.primary, e.candidate, {7}, kNow - 1ms}};
  e.us.note_vote(*e.topology.add(node_called('f', NodeFlag::kPrimary)), e.rival, kNow);
  EXPECT_EQ(e.verdict(), VoteVerdict::kEpochSpent) << "this epoch's went to another primary's replica";
}

TEST(Voting, AnotherPrimarysVoteIsSpentAllTheSame) {
  Election e;
  e.us.note_vote(*e.topology.add(node_called('f', NodeFlag::kPrimary)), e.candidate, kNow);
  EXPECT_EQ(e.verdict(), VoteVerdict::kEpochSpent);
}

TEST(Voting, WithheldWhileThePrimaryMayRelyOnThisVoter) {
  Election e;
  e.facts.primary_heard = kNow - 1000ms;
  EXPECT_EQ(e.verdict(), VoteVerdict::kPrimaryHeard);
  EXPECT_EQ(e.description(), "Failover auth denied to " + std::string(40, 'd') + ": its master was heard 1000 ms ago");
  e.ask.forced = true;
  EXPECT_EQ(e.verdict(), VoteVerdict::kGrant);
  e.ask.forced = false;
  e.facts.primary_heard = kNow - 1001ms;
  EXPECT_EQ(e.verdict(), VoteVerdict::kGrant);
  e.facts.restarted = kNow - 400ms;
  EXPECT_EQ(e.verdict(), VoteVerdict::kJustRestarted);
  EXPECT_EQ(e.description(), "Failover auth denied to " + std::string(40, 'd') + ": this node was restarted 400 ms ago");
  e.facts.restarted = kNow - 1001ms;
  EXPECT_EQ(e.verdict(), VoteVerdict::kGrant);
  e.facts.promoted = kNow - 300ms;
  EXPECT_EQ(e.verdict(), VoteVerdict::kJustPromoted);
  EXPECT_EQ(e.description(), "Failover auth denied to " + std::string(40, 'd') + ": this node was promoted 300 ms ago");
  e.facts.promoted = kNow - 1001ms;
  EXPECT_EQ(e.verdict(), VoteVerdict::kGrant);
}

TEST(Epochs, TheSmallerIdMovesOn) {
  Election e;
  EXPECT_TRUE(must_leave_epoch(e.topology, e.primary, {0}));
  EXPECT_FALSE(must_leave_epoch(e.topology, e.primary, {4}));
  const auto smaller = *e.topology.add(node_called('a', NodeFlag::kPrimary));
  EXPECT_FALSE(must_leave_epoch(e.topology, smaller, {0}));
  EXPECT_FALSE(must_leave_epoch(e.topology, e.candidate, {0})) << "a replica has its primary's";
}

TEST(Epochs, ANewOneOnlyWhenSomebodyIsAsHigh) {
  Election e;
  EXPECT_EQ(max_epoch(e.topology, {2}), Epoch{4});
  EXPECT_EQ(max_epoch(e.topology, {9}), Epoch{9});
  EXPECT_TRUE(needs_new_epoch(e.topology, {4}));
  e.topology.edit(kSelf, [](Node& node) { node.config_epoch = {9}; });
  EXPECT_FALSE(needs_new_epoch(e.topology, {9}));
  EXPECT_TRUE(needs_new_epoch(e.topology, {10}));
}

}  // namespace
}  // namespace skein
