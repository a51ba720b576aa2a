// A large cluster, reported and not timed: of a hundred, SKEIN_SIM_NODES=1000 runs one of a thousand.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
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

struct Heirs {
  std::size_t elected = 0;
  std::size_t serving = 0;  // they and their view of the whole cluster
};

Heirs count_heirs(const Sim& sim, const Cluster& cluster, std::uint32_t shards) {
  Heirs heirs;
  for (std::uint32_t shard = 0; shard < shards; ++shard) {
    const HostId owner = cluster.primary(Shard{shard});
    if (owner == kNobody || !sim.host(owner).is_running()) continue;
    ++heirs.elected;
    if (sim.host(owner).node().state() == ClusterState::kOk) ++heirs.serving;
  }
  return heirs;
}

class Large : public testing::Test {
 protected:
  void SetUp() override {
    if (const char* wanted = std::getenv("SKEIN_SIM_NODES")) {
      nodes_ = static_cast<std::uint32_t>(std::strtoul(wanted, nullptr, 10));
    }
    cluster_.emplace(sim_.restored_cluster({.primaries = nodes_ / 2, .replicas_each = 1, .node_timeout = 15s}));
    ASSERT_TRUE(sim_.await(Agreement::kHealth, 120s));
    report("{} nodes agree after {:.0f} s\n", nodes_, in_seconds(sim_.elapsed()));
  }

  std::uint32_t nodes_ = 100;
  Sim sim_{Seed{1}, Witness::Depth::kLight};
  std::optional<Cluster> cluster_;
};

TEST_F(Large, GossipAndAFailure) {
  const auto bytes_before = sim_.network().bytes_delivered();
  const auto measured = nodes_ > 1000 ? 15s : 30s;  // each virtual second takes half a minute there
  sim_.run_for(measured);
  const auto bytes = sim_.network().bytes_delivered() - bytes_before;
  report("gossip: {:.1f} KB per node and second, over {:.0f} s\n",
         static_cast<double>(bytes) / in_seconds(measured) / nodes_ / 1000, in_seconds(measured));

  // A replica, so that nobody takes its place.
  const HostId last{nodes_ - 1};
  const NodeId victim = sim_.host(last).node().id();
  const auto died_at = sim_.elapsed();
  sim_.host(last).lose_power();
  EXPECT_TRUE(sim_.run_until([&] { return count_nodes_that_see_failed(sim_, victim) == nodes_ - 1; }, 120s));
  report("a failure is agreed on by all after {:.1f} s\n", in_seconds(sim_.elapsed() - died_at));
}

// The most that leave a majority: each of the others is needed for each election.
TEST_F(Large, HalfOfThePrimaries) {
  const std::uint32_t failing = (nodes_ / 2 - 1) / 2;
  const auto fell_at = sim_.elapsed();
  for (std::uint32_t shard = 0; shard < failing; ++shard) sim_.host(HostId{shard}).lose_power();
  Heirs heirs;
  while (!sim_.violation() && heirs.serving < failing && sim_.elapsed() - fell_at < 300s) {
    sim_.run_for(1s);
    const Heirs now = count_heirs(sim_, *cluster_, failing);
    if (now.elected / 50 != heirs.elected / 50 || now.elected == failing) {
      report("{} of {} primaries replaced after {:.0f} s\n", now.elected, failing, in_seconds(sim_.elapsed() - fell_at));
    }
    heirs = now;
  }
  EXPECT_EQ(heirs.serving, failing);
  report("half of the primaries are replaced and all slots served after {:.0f} s\n{}\n",
         in_seconds(sim_.elapsed() - fell_at), sim_.journal().tally().line());
}

}  // namespace

}  // namespace skein::sim
