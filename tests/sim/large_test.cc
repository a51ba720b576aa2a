// A cluster of many hundreds, reported and not timed: SKEIN_SIM_NODES=1000 runs it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "sim.h"

namespace skein::sim {

namespace {

using namespace std::chrono_literals;

double in_seconds(nanoseconds span) {
  return std::chrono::duration<double>(span).count();
}

// At once: whoever waits for hours wants to see how far it is.
template <typename... Parts>
void report(fmt::format_string<Parts...> text, Parts&&... parts) {
  fmt::print(text, std::forward<Parts>(parts)...);
  std::fflush(stdout);
}

std::size_t count_nodes_that_see_failed(const Sim& sim, const NodeId& failed) {
  std::size_t count = 0;
  for (const auto& host : sim.hosts()) {
    if (!host->is_running()) continue;
    const NodeIndex index = host->node().topology().find(failed);
    if (!index.is_none() && host->node().topology().node(index).has_failed()) ++count;
  }
  return count;
}

std::size_t count_replaced(const Sim& sim, const Cluster& cluster, std::uint32_t shards) {
  std::size_t count = 0;
  for (std::uint32_t shard = 0; shard < shards; ++shard) {
    const HostId owner = cluster.primary(Shard{shard});
    if (owner != kNobody && sim.host(owner).is_running() && sim.host(owner).node().state() == ClusterState::kOk) ++count;
  }
  return count;
}

TEST(Large, GossipAFailureAndHalfOfThePrimaries) {
  const char* wanted = std::getenv("SKEIN_SIM_NODES");
  if (wanted == nullptr) GTEST_SKIP() << "SKEIN_SIM_NODES is not set";
  const auto nodes = static_cast<std::uint32_t>(std::strtoul(wanted, nullptr, 10));
  Sim sim(Seed{1}, Witness::Depth::kLight);
  const Cluster cluster = sim.restored_cluster({.primaries = nodes / 2, .replicas_each = 1, .node_timeout = 15s});
  ASSERT_TRUE(sim.await(Agreement::kHealth, 120s));
  report("{} nodes agree after {:.0f} s\n", nodes, in_seconds(sim.elapsed()));

  const auto bytes_before = sim.network().bytes_delivered();
  const auto measured = nodes > 1000 ? 15s : 30s;  // each virtual second takes minutes there
  sim.run_for(measured);
  const auto bytes = sim.network().bytes_delivered() - bytes_before;
  report("gossip: {:.1f} KB per node and second, over {:.0f} s\n",
         static_cast<double>(bytes) / in_seconds(measured) / nodes / 1000,
         in_seconds(measured));

  // A replica, so that nobody takes its place.
  const HostId last{nodes - 1};
  const NodeId victim = sim.host(last).node().id();
  const auto died_at = sim.elapsed();
  sim.host(last).lose_power();
  EXPECT_TRUE(sim.run_until([&] { return count_nodes_that_see_failed(sim, victim) == nodes - 1; }, 120s));
  report("a failure is agreed on by all after {:.1f} s\n", in_seconds(sim.elapsed() - died_at));

  // The most that leave a majority.
  const std::uint32_t failing = (nodes / 2 - 1) / 2;
  const auto fell_at = sim.elapsed();
  for (std::uint32_t shard = 0; shard < failing; ++shard) sim.host(HostId{shard}).lose_power();
  std::size_t replaced = 0;
  while (!sim.violation() && replaced < failing && sim.elapsed() - fell_at < 300s) {
    sim.run_for(1s);
    const std::size_t now = count_replaced(sim, cluster, failing);
    if (now / 50 != replaced / 50) {
      report("{} of {} primaries replaced after {:.0f} s\n", now, failing, in_seconds(sim.elapsed() - fell_at));
    }
    replaced = now;
  }
  EXPECT_EQ(replaced, failing);
  report("half of the primaries are replaced after {:.0f} s\n{}\n", in_seconds(sim.elapsed() - fell_at),
         sim.journal().tally().line());
}

}  // namespace

}  // namespace skein::sim
