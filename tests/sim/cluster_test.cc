// Single runs with a purpose, in the words of sim.h.
#include <gtest/gtest.h>

#include "hostile_packets.h"
#include "sim.h"

namespace skein::sim {

namespace {

using namespace std::chrono_literals;

TEST(Cluster, IsFormedAsRedisCliDoes) {
  Sim sim{Seed{1}};
  const auto cluster = sim.cluster({.primaries = 3, .replicas_each = 1});
  EXPECT_EQ(cluster.primary(Shard{2}), HostId{2});
  EXPECT_EQ(cluster.replicas(Shard{2}), std::vector<HostId>{HostId{5}});
  for (const auto& host : sim.hosts()) EXPECT_EQ(host->node().info().slots_ok, kSlotCount);
}

TEST(Cluster, TensOfNodes) {
  Sim sim{Seed{2}};
  const auto cluster = sim.cluster({.primaries = 15, .replicas_each = 2});
  EXPECT_EQ(cluster.primaries().size(), 15u);
  EXPECT_EQ(cluster.replicas(Shard{7}).size(), 2u);
}

TEST(Failover, ReplicaTakesOverAndTheOldPrimaryFollowsIt) {
  Sim sim{Seed{3}};
  const auto cluster = sim.cluster({.primaries = 3, .replicas_each = 1});
  const HostId old_primary = cluster.primary(Shard{0});
  sim.cut_off(old_primary);
  sim.run_for(30s);
  const HostId new_primary = cluster.primary(Shard{0});
  EXPECT_NE(new_primary, old_primary);
  EXPECT_EQ(sim.host(old_primary).node().state(), ClusterState::kFail);  // alone, so it serves nobody
  sim.heal();
  EXPECT_TRUE(sim.await(Agreement::kHealth, 30s));
  EXPECT_EQ(cluster.primary(Shard{0}), new_primary);
  EXPECT_TRUE(sim.host(old_primary).node().topology().self().is_replica());
}

TEST(Failover, RivalsInOneEpochHaveOneWinner) {
  Sim sim{Seed{4}};
  const auto cluster = sim.cluster({.primaries = 5, .replicas_each = 3});
  sim.host(cluster.primary(Shard{1})).lose_power();
  EXPECT_TRUE(sim.run_until([&] { return cluster.primary(Shard{1}) != kNobody; }, 60s));
  sim.heal();
  EXPECT_TRUE(sim.await(Agreement::kHealth, 30s));
}

TEST(Membership, AMovedNodeIsFoundAtItsNewAddress) {
  Sim sim{Seed{5}};
  sim.cluster({.primaries = 3, .replicas_each = 1});
  Host& moving = sim.host(HostId{4});
  moving.kill();
  moving.move("10.1.2.3", 7000);
  moving.start();
  EXPECT_TRUE(sim.await(Agreement::kHealth, 30s));
}

TEST(Membership, EqualConfigEpochsAreToldApart) {
  Sim sim{Seed{6}};
  sim.cluster({.primaries = 6, .replicas_each = 1, .gives_epochs = false});
  EXPECT_FALSE(sim.violation());  // agreeing includes that no two primaries share an epoch
}

// Every id is told to anybody who asks for it, and nothing in a packet is secret: all members are told, in the names of
// all others, that the primaries are forgotten.
TEST(Membership, ForgedForgettingTakesNoSlots) {
  Sim sim{Seed{9}};
  const auto cluster = sim.cluster({.primaries = 3, .replicas_each = 1});
  for (std::uint32_t shard = 0; shard < 3; ++shard) {
    const NodeId victim = sim.host(cluster.primary(Shard{shard})).node().id();
    for (const auto& to : sim.hosts()) {
      for (const auto& named : sim.hosts()) {
        if (named != to) sim.network().inject(to->machine(), named->ip(), forged_forget(*named, victim), false);
      }
    }
  }
  for (int i = 0; i < 30; ++i) {
    sim.run_for(1s);
    for (const auto& host : sim.hosts()) {
      EXPECT_EQ(host->node().state(), ClusterState::kOk);
      EXPECT_EQ(host->node().info().slots_ok, kSlotCount);
    }
  }
  EXPECT_TRUE(sim.await(Agreement::kHealth, 30s));
}

TEST(Health, AnHourOnTheWallClockFailsNobody) {
  Sim sim{Seed{7}};
  sim.cluster({.primaries = 3, .replicas_each = 1});
  sim.host(HostId{1}).jump_wall_clock(1h);
  sim.host(HostId{2}).jump_wall_clock(-1h);
  for (int i = 0; i < 60; ++i) {
    sim.run_for(1s);
    EXPECT_EQ(find_disagreement(sim.hosts(), Agreement::kHealth), std::nullopt);
  }
}

TEST(Health, APauseShorterThanTheTimeoutFailsNobody) {
  Sim sim{Seed{8}};
  const auto cluster = sim.cluster({.primaries = 3, .replicas_each = 1, .node_timeout = 5s});
  sim.host(HostId{0}).pause();
  sim.run_for(2s);
  sim.host(HostId{0}).resume();
  sim.run_for(1s);
  EXPECT_EQ(find_disagreement(sim.hosts(), Agreement::kHealth), std::nullopt);
  EXPECT_EQ(cluster.primary(Shard{0}), HostId{0});
}

}  // namespace

}  // namespace skein::sim
