// CLUSTER FAILOVER in its three forms, handing over, and replicas that move to orphans.
#include <gtest/gtest.h>

#include "shards.h"

namespace skein {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

// The replica has told its member that it is that far.
void set_behind(Shards& net, std::size_t replica, std::int64_t offset) {
  net.host(replica).data->offset = {offset};
  net.run_for(100ms);
}

Result<void> ask(Shards& net, std::size_t replica, std::vector<std::string_view> option = {}) {
  auto outcome = net.node(replica).failover(option, net.now());
  net.pump();
  return outcome;
}

bool has_sent(Shards& net, std::size_t host, MessageType type) {
  const auto& sent = net.host(host).sent;
  return std::find(sent.begin(), sent.end(), type) != sent.end();
}

TEST(Takeover, TakesNoMoreThanItsMessages) {
  Shards net(3, 1);
  const MonoTime at = net.now().mono;
  ASSERT_TRUE(ask(net, 3));
  EXPECT_TRUE(net.serves(3, 0));
  EXPECT_EQ(net.now().mono, at) << "nobody has waited for a tick";
  EXPECT_EQ(net.primary_of(0), 3u);
  EXPECT_TRUE(net.logged(0, "Manual failover requested by replica " + net.id(3) + "."));
  EXPECT_TRUE(net.logged(3, "Manual failover user request accepted."));
  EXPECT_TRUE(net.logged(3, "Received replication offset for paused master manual failover: 1000"));
  EXPECT_TRUE(net.logged(3, "All master replication stream processed, manual failover can start."));
  ASSERT_EQ(net.seen<PauseWriters>(0).size(), 1u);
  EXPECT_EQ(net.seen<PauseWriters>(0)[0].until, at + 10s);
  EXPECT_EQ(net.seen<ResumeWriters>(0).size(), 1u);
  net.run_for(1s);
  net.expect_one_view();
}

TEST(Takeover, WaitsForTheLastWriteBeforeThePause) {
  Shards net(3, 1);
  net.host(0).written_before_pause = 200;
  ASSERT_TRUE(ask(net, 3));
  net.run_finely(500ms);
  EXPECT_EQ(net.owner_of(0), 0u);
  net.host(3).data->offset = {1199};
  net.run_finely(500ms);
  EXPECT_EQ(net.owner_of(0), 0u);
  net.host(3).data->offset = {1200};
  net.run_finely(1ms);
  EXPECT_EQ(net.owner_of(0), 3u);
}

TEST(Takeover, AReplicaWithoutItsLinkHasNotProcessedTheStream) {
  Shards net(3, 1);
  net.host(3).data->primary_link_up = false;
  net.run_for(100ms);
  ASSERT_TRUE(ask(net, 3));
  net.run_finely(4s);
  EXPECT_EQ(net.owner_of(0), 0u);
}

TEST(Takeover, GivesUpAfterFiveSeconds) {
  Shards net(3, 1);
  set_behind(net, 3, 10);
  ASSERT_TRUE(ask(net, 3));
  net.run_finely(4900ms);
  EXPECT_TRUE(net.seen<ResumeWriters>(0).empty());
  net.run_finely(300ms);
  EXPECT_EQ(net.seen<ResumeWriters>(0).size(), 1u);
  EXPECT_TRUE(net.logged(0, "Manual failover timed out."));
  EXPECT_TRUE(net.logged(3, "Manual failover timed out."));
  net.host(3).data->offset = {1000};
  net.run_finely(2s);
  EXPECT_EQ(net.owner_of(0), 0u) << "too late";
  ASSERT_TRUE(ask(net, 3));
  EXPECT_EQ(net.owner_of(0), 3u) << "and asked once more";
}

TEST(Takeover, APauseIsShownToWhomItIsMeantForOnly) {
  Shards net(3, 2);
  set_behind(net, 3, 10);
  ASSERT_TRUE(ask(net, 3));
  net.run_finely(3s);
  EXPECT_EQ(net.owner_of(0), 0u);
  EXPECT_FALSE(net.logged(6, "kOffered")) << "it has all the data, but was not asked for";
}

TEST(Takeover, ForceAsksThePrimaryNothing) {
  Shards net(3, 1);
  set_behind(net, 3, 10);
  ASSERT_TRUE(ask(net, 3, {"FORCE"}));
  EXPECT_EQ(net.owner_of(0), 3u);
  EXPECT_TRUE(net.logged(3, "Forced failover user request accepted."));
  EXPECT_FALSE(has_sent(net, 3, MessageType::kMfStart));
  EXPECT_TRUE(has_sent(net, 3, MessageType::kAuthRequest));
}

TEST(Takeover, ForceOfADeadPrimaryDoesNotWaitForFail) {
  Shards net(3, 1);
  net.kill(0);
  ASSERT_TRUE(ask(net, 3, {"force"}));
  EXPECT_EQ(net.owner_of(0), 3u);
}

TEST(Takeover, TakeoverAsksNobody) {
  Shards net(3, 1);
  net.kill(0);
  net.kill(1);
  net.run_finely(3s);
  ASSERT_TRUE(ask(net, 3, {"takeover"}));
  EXPECT_EQ(net.node(3).topology().owner(net.slot_of(0)), kSelf);
  EXPECT_GT(net.node(3).topology().self().config_epoch.value, net.epoch_at_start());
  EXPECT_FALSE(has_sent(net, 3, MessageType::kAuthRequest));
  EXPECT_TRUE(net.logged(3, "Taking over the master (user request)."));
  net.run_for(5s);
  EXPECT_EQ(net.owner_of(1), 4u) << "two voters of three are there again";
  net.expect_one_view();
}

TEST(Takeover, RefusesAsRedisDoes) {
  Shards net(3, 1);
  const auto error = [&](std::size_t i, std::vector<std::string_view> option) {
    return ask(net, i, std::move(option)).error().message();
  };
  EXPECT_EQ(error(0, {}), "ERR You should send CLUSTER FAILOVER to a replica");
  EXPECT_EQ(error(3, {"now"}), "ERR syntax error");
  net.kill(0);
  net.host(3).settings.replica_no_failover = true;
  net.node(3).on_settings(net.host(3).settings, net.now());
  net.run_finely(2500ms);
  EXPECT_EQ(error(3, {}), "ERR Master is down or failed, please use CLUSTER FAILOVER FORCE");
}

TEST(Takeover, ABackAndForthLosesNothing) {
  Shards net(3, 1);
  std::size_t owner = 0;
  std::size_t other = 3;
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(ask(net, other));
    ASSERT_TRUE(net.run_finely(1s, [&] { return net.serves(other, 0); }));
    std::swap(owner, other);
    net.run_finely(50ms);
  }
  net.expect_one_view();
}

TEST(Handover, TheMostAdvancedReplicaHasTheSlotsBeforeThePrimaryEnds) {
  Shards net(3, 2);
  net.host(0).data->offset = net.host(6).data->offset = {2000};
  net.run_for(2s);
  net.host(0).sent.clear();
  const MonoTime at = net.now().mono;
  net.node(0).begin_handover(net.now());
  net.pump();
  EXPECT_EQ(net.now().mono, at);
  EXPECT_TRUE(net.serves(6, 0));
  const auto ended = net.seen<HandoverEnded>(0);
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_TRUE(ended[0].handed_over);
  EXPECT_EQ(net.seen<PauseWriters>(0).size(), 1u);
  EXPECT_TRUE(net.logged(6, "kOffered"));

  net.host(0).sent.clear();
  net.run_finely(500ms);
  EXPECT_TRUE(net.host(0).sent.empty()) << "it says nothing more";
  EXPECT_TRUE(net.seen<ReplicateFrom>(0).empty());
  EXPECT_TRUE(net.node(0).topology().self().is_primary());
  EXPECT_TRUE(net.view(1, 0).is_primary());
  const NodeIndex gone = net.node(1).topology().find(net.node(0).id());
  net.kill(0);
  net.run_for(4s);
  EXPECT_TRUE(net.node(1).topology().node(gone).is_primary());
  EXPECT_TRUE(net.node(1).topology().node(gone).has_failed());
  EXPECT_EQ(net.primary_of(3), 6u);
  net.restart(0);
  EXPECT_TRUE(net.node(0).topology().self().is_replica()) << "as it was saved";
  net.run_for(3s);
  EXPECT_EQ(net.primary_of(0), 6u);
  net.expect_one_view();
}

TEST(Handover, WaitsForTheReplica) {
  Shards net(3, 1);
  net.host(0).written_before_pause = 50;
  net.node(0).begin_handover(net.now());
  net.run_finely(300ms);
  EXPECT_TRUE(net.seen<HandoverEnded>(0).empty());
  net.host(3).data->offset = {1050};
  net.run_finely(1ms);
  ASSERT_EQ(net.seen<HandoverEnded>(0).size(), 1u);
  EXPECT_TRUE(net.seen<HandoverEnded>(0)[0].handed_over);
}

TEST(Handover, EndsInVainWhenTheReplicaDoesNotCatchUp) {
  Shards net(3, 1);
  net.host(0).written_before_pause = 50;
  net.node(0).begin_handover(net.now());
  net.run_finely(5200ms);
  ASSERT_EQ(net.seen<HandoverEnded>(0).size(), 1u);
  EXPECT_FALSE(net.seen<HandoverEnded>(0)[0].handed_over);
  EXPECT_EQ(net.seen<ResumeWriters>(0).size(), 1u);
  net.host(3).data->offset = {1050};
  net.run_finely(1s);
  EXPECT_EQ(net.owner_of(0), 0u) << "what was offered does not hold any more";
}

TEST(Handover, AbandonedTheReplicaDoesNotStandAnyMore) {
  Shards net(3, 1);
  net.host(0).written_before_pause = 50;
  net.node(0).begin_handover(net.now());
  net.run_finely(300ms);
  net.node(0).abandon_handover(net.now());
  net.pump();
  ASSERT_EQ(net.seen<HandoverEnded>(0).size(), 1u);
  EXPECT_FALSE(net.seen<HandoverEnded>(0)[0].handed_over);
  EXPECT_EQ(net.seen<ResumeWriters>(0).size(), 1u);
  EXPECT_TRUE(net.logged(3, "kWithdrawn"));
  net.host(3).data->offset = {1050};
  net.run_finely(1s);
  EXPECT_EQ(net.owner_of(0), 0u);
}

TEST(Handover, ToNobodyEndsAtOnce) {
  Shards net(3, 1);
  net.kill(3);
  net.node(0).begin_handover(net.now());
  net.pump();
  ASSERT_EQ(net.seen<HandoverEnded>(0).size(), 1u);
  EXPECT_FALSE(net.seen<HandoverEnded>(0)[0].handed_over);
  EXPECT_TRUE(net.seen<PauseWriters>(0).empty());
  net.node(4).begin_handover(net.now());
  net.pump();
  EXPECT_EQ(net.seen<HandoverEnded>(4).size(), 1u) << "a replica";
}

TEST(Handover, AReplicaOfRedisIsNamedToBeAsked) {
  Shards net(3, 1);
  net.host(3).settings.mark_packets = false;
  net.restart(3);
  net.host(3).data = DataFacts{.offset = {1000}, .primary_silence = 0ms};
  net.run_for(6s);
  net.node(0).begin_handover(net.now());
  net.pump();
  const auto ended = net.seen<HandoverEnded>(0);
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_FALSE(ended[0].handed_over);
  ASSERT_TRUE(ended[0].ask_as_client);
  EXPECT_EQ(ended[0].ask_as_client->replica.str(), net.id(3));
  EXPECT_EQ(ended[0].ask_as_client->port, 7003);
  // Then it sends MFSTART while the primary is about to end.
  ASSERT_TRUE(ask(net, 3));
  EXPECT_EQ(net.owner_of(0), 3u);
  ASSERT_EQ(net.seen<HandoverEnded>(0).size(), 2u);
  EXPECT_TRUE(net.seen<HandoverEnded>(0)[1].handed_over);
  EXPECT_TRUE(net.node(0).topology().self().is_primary());
}

TEST(OrphanedPrimary, IsGivenAReplicaThatAnotherCanSpare) {
  Shards net(3, 2);
  net.kill(4);
  net.run_finely(3s);
  net.kill(7);
  net.run_finely(4s);
  EXPECT_TRUE(net.node(0).topology().replicas_of(net.node(0).topology().find(net.node(1).id())).size() == 2);
  std::size_t moved = 0;
  net.run_finely(5s);
  for (const std::size_t replica : {3u, 5u, 6u, 8u}) moved += net.primary_of(replica) == 1u ? 1 : 0;
  EXPECT_EQ(moved, 1u);
}

TEST(OrphanedPrimary, IsLeftAloneWhereMigrationIsOff) {
  Shards net(3, 2);
  for (std::size_t i = 0; i < 9; ++i) {
    net.host(i).settings.allow_replica_migration = false;
    net.node(i).on_settings(net.host(i).settings, net.now());
  }
  net.kill(4);
  net.kill(7);
  net.run_finely(12s);
  for (const std::size_t replica : {3u, 5u, 6u, 8u}) EXPECT_NE(net.primary_of(replica), 1u);
}

}  // namespace
}  // namespace skein
