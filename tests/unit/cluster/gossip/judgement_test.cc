#include <skein/cluster/gossip/judgement.h>

#include <set>

#include <gtest/gtest.h>

namespace skein {
namespace {

using std::chrono_literals::operator""ms;

const MonoTime kNow{std::chrono::hours{1}};
constexpr milliseconds kTimeout{1000};

struct Members {
  Topology topology;
  HealthTable health;

  explicit Members(int count) : topology(node_number(0)) {
    health.on_added(kSelf, kNow);
    topology.set_owner({0}, kSelf);
    for (int i = 1; i < count; ++i) {
      const auto index = *topology.add(node_number(i));
      health.on_added(index, kNow);
      topology.set_owner({static_cast<std::uint16_t>(i)}, index);
    }
  }
  static Node node_number(int i) {
    std::string id = std::to_string(i);
    id.insert(0, 40 - id.size(), 'a');
    Node node;
    node.id = *NodeId::parse(id);
    node.flags = NodeFlag::kPrimary;
    return node;
  }
};

NodeIndex at(int i) { return NodeIndex{static_cast<std::uint16_t>(i)}; }
bool always(NodeIndex) { return true; }

TEST(Judgement, QuorumIsOfPrimariesWithSlots) {
  Members members(5);
  EXPECT_EQ(fail_quorum(members.topology), 3u);
  members.topology.set_owner({1}, kSelf);
  EXPECT_EQ(fail_quorum(members.topology), 3u);
  members.topology.set_owner({2}, kSelf);
  EXPECT_EQ(fail_quorum(members.topology), 2u);
}

TEST(Judgement, SilenceIsMeasuredFromThePingAndTheLastWord) {
  NodeHealth health;
  health.data_received = kNow - 5000ms;
  EXPECT_FALSE(is_silent(health, kNow, kTimeout)) << "nothing was asked";
  health.ping_sent = kNow - 1001ms;
  EXPECT_TRUE(is_silent(health, kNow, kTimeout));
  health.data_received = kNow - 900ms;
  EXPECT_FALSE(is_silent(health, kNow, kTimeout)) << "it speaks, though not in answer";
  health.data_received = kNow - 5000ms;
  health.ping_sent = kNow - 1000ms;
  EXPECT_FALSE(is_silent(health, kNow, kTimeout));
}

TEST(Judgement, LinksAreReopenedBeforeTheTimeout) {
  NodeHealth health;
  health.ping_sent = kNow - 501ms;
  health.data_received = kNow - 501ms;
  EXPECT_TRUE(should_reopen_link(health, kNow - 1001ms, kNow, kTimeout));
  EXPECT_FALSE(should_reopen_link(health, kNow - 900ms, kNow, kTimeout)) << "reopened already";
  health.data_received = kNow - 100ms;
  EXPECT_FALSE(should_reopen_link(health, kNow - 1001ms, kNow, kTimeout));
}

TEST(Judgement, PingsAfterHalfTheTimeout) {
  NodeHealth health;
  health.pong_received = kNow - 501ms;
  EXPECT_TRUE(should_ping(health, kNow, kTimeout));
  health.ping_sent = kNow;
  EXPECT_FALSE(should_ping(health, kNow, kTimeout));
  health.ping_sent = {};
  health.pong_received = kNow - 500ms;
  EXPECT_FALSE(should_ping(health, kNow, kTimeout));
}

TEST(Judgement, FailNeedsOwnSuspicionAndAMajority) {
  Members members(5);
  EXPECT_EQ(judge_fail(members.topology, at(1), 4), FailVerdict::kReachable);
  members.topology.edit(at(1), [](Node& node) { node.flags.set(NodeFlag::kPfail); });
  EXPECT_EQ(judge_fail(members.topology, at(1), 1), FailVerdict::kTooFewReports);
  EXPECT_EQ(judge_fail(members.topology, at(1), 2), FailVerdict::kFail) << "two words and the own one";
  members.topology.set_owner({0}, kNoNode);
  EXPECT_EQ(judge_fail(members.topology, at(1), 2), FailVerdict::kTooFewReports) << "its own word does not count now";
  members.topology.edit(at(1), [](Node& node) { node.flags.set(NodeFlag::kFail); });
  EXPECT_EQ(judge_fail(members.topology, at(1), 4), FailVerdict::kAlreadyFailed);
}

TEST(Judgement, ReportsGrowOldAndLeaveWithTheirReporter) {
  Members members(4);
  auto& health = members.health.at(at(1));
  EXPECT_TRUE(add_fail_report(health, at(2), kNow));
  EXPECT_FALSE(add_fail_report(health, at(2), kNow));
  EXPECT_TRUE(add_fail_report(health, at(3), kNow + 1500ms));
  EXPECT_EQ(count_fail_reports(health, members.topology, kNow + 2000ms, kTimeout), 2u);
  EXPECT_EQ(count_fail_reports(health, members.topology, kNow + 2001ms, kTimeout), 1u);
  members.health.on_removed(at(3));
  EXPECT_EQ(count_fail_reports(health, members.topology, kNow + 2001ms, kTimeout), 0u);
  drop_old_fail_reports(health, kNow + 2000ms, kTimeout);
  EXPECT_EQ(health.reports.size(), 1u);
  drop_old_fail_reports(health, kNow + 2001ms, kTimeout);
  EXPECT_TRUE(health.reports.empty());
}

TEST(Judgement, AFailedPrimaryWithSlotsStaysFailedForAWhile) {
  Members members(3);
  auto& health = members.health.at(at(1));
  health.failed_at = kNow;
  EXPECT_FALSE(may_clear_fail(members.topology.node(at(1)), health, kNow + 2000ms, kTimeout));
  EXPECT_TRUE(may_clear_fail(members.topology.node(at(1)), health, kNow + 2001ms, kTimeout));
  members.topology.set_owner({1}, kNoNode);
  EXPECT_TRUE(may_clear_fail(members.topology.node(at(1)), health, kNow, kTimeout));
}

TEST(Judgement, RandomPingGoesToTheOldestPong) {
  Members members(4);
  Random random{1};
  for (int i = 1; i < 4; ++i) members.health.at(at(i)).pong_received = kNow - i * 100ms;
  std::set<NodeIndex> chosen;
  for (int i = 0; i < 200; ++i) chosen.insert(choose_random_ping(members.topology, members.health, always, random));
  EXPECT_FALSE(chosen.contains(kSelf));
  EXPECT_TRUE(chosen.contains(at(3)));
  members.health.at(at(3)).ping_sent = kNow;
  for (int i = 0; i < 50; ++i) {
    EXPECT_NE(choose_random_ping(members.topology, members.health, always, random), at(3));
  }
  EXPECT_EQ(choose_random_ping(members.topology, members.health, [](NodeIndex) { return false; }, random), kNoNode);
}

TEST(Judgement, GossipTellsAboutATenthAndAllSuspected) {
  Members members(50);
  Random random{2};
  members.topology.edit(at(7), [](Node& node) { node.flags.set(NodeFlag::kPfail); });
  members.topology.edit(at(8), [](Node& node) { node.flags.set(NodeFlag::kHandshake); });
  members.health.at(at(9)).hearsay = true;
  for (std::uint32_t round = 1; round < 200; ++round) {
    const auto chosen = choose_gossip(members.topology, members.health, always, round, random);
    EXPECT_EQ(chosen.size(), 6u) << "five, and the suspected one";
    EXPECT_EQ(std::set<NodeIndex>(chosen.begin(), chosen.end()).size(), chosen.size());
    EXPECT_EQ(chosen.back(), at(7));
    for (const auto index : chosen) EXPECT_TRUE(index != kSelf && index != at(8) && index != at(9));
  }
}

TEST(Judgement, TwoMembersHaveNobodyToTellAbout) {
  Members members(2);
  Random random{2};
  EXPECT_TRUE(choose_gossip(members.topology, members.health, always, 1, random).empty());
}

}  // namespace
}  // namespace skein
