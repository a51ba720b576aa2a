#include <skein/cluster/router/route.h>

#include <gtest/gtest.h>

namespace skein {
namespace {

Node node_called(char c, NodeFlags flags) {
  Node node;
  node.id = *NodeId::parse(std::string(40, c));
  node.flags = flags;
  node.address = {"10.0.0.2", 7001, 0, 17001};
  return node;
}

// Slot 1 is ours, 2 another's, 3 leaving, 4 arriving, 5 nobody's.
struct Map {
  Topology topology{node_called('a', NodeFlag::kPrimary | NodeFlag::kMyself)};
  NodeIndex other = *topology.add(node_called('b', NodeFlag::kPrimary));
  RouteFacts facts{.cluster_ok = true};
  int counted = 0;

  Map() {
    for (const std::uint16_t slot : {1, 3}) topology.set_owner({slot}, kSelf);
    for (const std::uint16_t slot : {2, 4}) topology.set_owner({slot}, other);
    topology.set_migrating({3}, other);
    topology.set_importing({4}, other);
  }
  RouteVerdict verdict(const RouteQuery& query, KeyPresence keys = {}) {
    return judge_route(query, topology, facts, [&] {
             ++counted;
             return keys;
           })
        .verdict;
  }
};

TEST(Route, StableSlotsNeedNoQuestions) {
  Map map;
  EXPECT_EQ(map.verdict({.slot = {1}}), RouteVerdict::kServe);
  EXPECT_EQ(map.verdict({.slot = {2}}), RouteVerdict::kMoved);
  EXPECT_EQ(map.verdict({.slot = {5}}), RouteVerdict::kUnbound);
  EXPECT_EQ(map.verdict({.slot = {1}, .crosses_slots = true}), RouteVerdict::kCrossSlot);
  EXPECT_EQ(map.counted, 0);
  const auto route = judge_route({.slot = {2}}, map.topology, map.facts, {});
  EXPECT_EQ(route.target, map.other);
  EXPECT_EQ(format_target(map.topology.node(route.target), EndpointType::kIp, false), "10.0.0.2:7001");
  EXPECT_EQ(format_target(map.topology.node(route.target), EndpointType::kUnknownEndpoint, false), ":7001");
  EXPECT_EQ(format_target(map.topology.node(route.target), EndpointType::kHostname, false), "?:7001");
}

TEST(Route, NobodyIsSentToAnAddressThatIsNotKnown) {
  Node lost = node_called('b', NodeFlag::kPrimary | NodeFlag::kNoAddress);
  lost.address = {};
  for (const auto type : {EndpointType::kIp, EndpointType::kHostname, EndpointType::kUnknownEndpoint}) {
    EXPECT_EQ(format_target(lost, type, false), std::nullopt);
  }
}

TEST(Route, ALeavingSlotAsksForWhatHasGone) {
  Map map;
  EXPECT_EQ(map.verdict({.slot = {3}}, {.present = 1}), RouteVerdict::kServe);
  EXPECT_EQ(map.verdict({.slot = {3}}, {.missing = 1}), RouteVerdict::kAsk);
  EXPECT_EQ(map.verdict({.slot = {3}, .several_keys = true}, {.missing = 2}), RouteVerdict::kAsk);
  EXPECT_EQ(map.verdict({.slot = {3}, .several_keys = true}, {.present = 1, .missing = 1}), RouteVerdict::kTryAgain);
  EXPECT_EQ(map.verdict({.slot = {3}, .moves_slot = true}, {.missing = 1}), RouteVerdict::kServe) << "MIGRATE";
  EXPECT_EQ(judge_route({.slot = {3}}, map.topology, map.facts, [] { return KeyPresence{0, 1}; }).target, map.other);
}

TEST(Route, AnArrivingSlotServesWhoAsks) {
  Map map;
  EXPECT_EQ(map.verdict({.slot = {4}}, {.present = 1}), RouteVerdict::kMoved);
  EXPECT_EQ(map.verdict({.slot = {4}, .asking = true}, {.missing = 1}), RouteVerdict::kServe);
  EXPECT_EQ(map.verdict({.slot = {4}, .several_keys = true, .asking = true}, {.present = 1, .missing = 1}),
            RouteVerdict::kTryAgain);
  EXPECT_EQ(map.verdict({.slot = {4}, .several_keys = true, .asking = true}, {.present = 2}), RouteVerdict::kServe);
}

TEST(Route, ReplicasServeReadersWhoSaidSo) {
  Map map;
  map.topology.set_owner({1}, kNoNode);
  map.topology.set_owner({3}, kNoNode);
  map.topology.edit(kSelf, [&](Node& node) {
    node.flags.clear(NodeFlag::kPrimary).set(NodeFlag::kReplica);
    node.primary = map.other;
  });
  EXPECT_EQ(map.verdict({.slot = {2}}), RouteVerdict::kMoved);
  EXPECT_EQ(map.verdict({.slot = {2}, .readonly = true}), RouteVerdict::kServe);
  EXPECT_EQ(map.verdict({.slot = {2}, .writes = true, .readonly = true}), RouteVerdict::kMoved);
  EXPECT_EQ(map.verdict({.slot = {2}, .shard_channels = true}), RouteVerdict::kServe);
}

TEST(Route, ADownClusterServesOnlyWhatItMay) {
  Map map;
  map.facts.cluster_ok = false;
  EXPECT_EQ(map.verdict({.slot = {1}}), RouteVerdict::kDown);
  EXPECT_EQ(map.verdict({.slot = {5}}), RouteVerdict::kUnbound);
  EXPECT_EQ(map.verdict({.slot = {1}, .crosses_slots = true}), RouteVerdict::kCrossSlot);
  EXPECT_EQ(map.verdict({.slot = {1}, .shard_channels = true}), RouteVerdict::kServe);
  map.facts.allow_shard_channels_when_down = false;
  EXPECT_EQ(map.verdict({.slot = {1}, .shard_channels = true}), RouteVerdict::kDown);
  map.facts.allow_reads_when_down = true;
  EXPECT_EQ(map.verdict({.slot = {1}}), RouteVerdict::kServe);
  EXPECT_EQ(map.verdict({.slot = {2}}), RouteVerdict::kMoved);
  EXPECT_EQ(map.verdict({.slot = {1}, .writes = true}), RouteVerdict::kDownReadOnly);
}

TEST(Route, ServedSlotsAreThoseWithoutQuestions) {
  Map map;
  std::array<std::uint8_t, kSlotCount> served;
  served.fill(7);
  fill_served_slots(served, map.topology, true);
  EXPECT_EQ(served[1], 1);
  for (const int slot : {0, 2, 3, 4, 5, 16383}) EXPECT_EQ(served[static_cast<std::size_t>(slot)], 0) << slot;
  fill_served_slots(served, map.topology, false);
  EXPECT_EQ(served[1], 0);
}

}  // namespace
}  // namespace skein
