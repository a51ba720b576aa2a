#include <skein/cluster/topology/topology.h>

#include <gtest/gtest.h>

#include <array>
#include <utility>
#include <vector>

#include <skein/base/random.h>

namespace skein {
namespace {

Node node_called(char c, NodeFlags flags = NodeFlag::kPrimary) {
  Node node;
  node.id = *NodeId::parse(std::string(40, c));
  node.flags = flags;
  return node;
}

Topology cluster_of_one() { return Topology(node_called('a', NodeFlag::kPrimary | NodeFlag::kMyself)); }

std::vector<NodeIndex> voters_of(const Topology& topology) {
  std::vector<NodeIndex> voters;
  topology.for_each_node([&](NodeIndex index, const Node& node) {
    if (node.is_voter()) voters.push_back(index);
  });
  return voters;
}

Census counted(const Topology& topology) {
  Census census;
  topology.for_each_node([&](NodeIndex, const Node& node) {
    census.assigned_slots += node.slot_count;
    census.suspected += node.is_suspected() ? 1 : 0;
    census.failed_owners += node.slot_count > 0 && node.has_failed() ? 1 : 0;
    if (!node.is_voter()) return;
    ++census.voters;
    census.reachable_voters += node.has_failed() || node.is_suspected() ? 0 : 1;
  });
  return census;
}

TEST(Topology, StartsAsAClusterOfOne) {
  const auto topology = cluster_of_one();
  EXPECT_EQ(topology.node_count(), 1u);
  EXPECT_EQ(topology.find(topology.self().id), kSelf);
  EXPECT_EQ(topology.assigned_slots(), 0u);
  EXPECT_EQ(topology.owner({0}), kNoNode);
}

TEST(Topology, CopiesKeepWhatTheyHad) {
  auto topology = cluster_of_one();
  topology.set_owner({7}, kSelf);
  const auto before = topology;
  const auto b = *topology.add(node_called('b'));
  topology.set_owner({7}, b);
  topology.set_migrating({9}, b);
  topology.edit(kSelf, [](Node& node) { node.hostname = "later"; });

  EXPECT_EQ(before.owner({7}), kSelf);
  EXPECT_EQ(before.self().slot_count, 1);
  EXPECT_EQ(before.node_count(), 1u);
  EXPECT_EQ(before.self().hostname, "");
  EXPECT_EQ(before.migrating_to({9}), kNoNode);
  EXPECT_EQ(topology.owner({7}), b);
  EXPECT_EQ(topology.self().slot_count, 0);
  EXPECT_EQ(topology.node(b).slot_count, 1);
  EXPECT_GT(topology.slots_revision(), before.slots_revision());
}

TEST(Topology, RemovingANodeFreesWhatWasItsOwn) {
  auto topology = cluster_of_one();
  const auto b = *topology.add(node_called('b'));
  const auto c = *topology.add(node_called('c', NodeFlag::kReplica));
  topology.edit(c, [&](Node& node) { node.primary = b; });
  topology.set_owner({1}, b);
  topology.set_owner({16383}, b);
  topology.set_migrating({5}, b);
  topology.set_importing({6}, b);
  topology.set_importing({8}, c);
  EXPECT_EQ(topology.replicas_of(b), std::vector<NodeIndex>{c});

  topology.remove(b);

  EXPECT_EQ(topology.owner({1}), kNoNode);
  EXPECT_EQ(topology.owner({16383}), kNoNode);
  EXPECT_EQ(topology.migrating_to({5}), kNoNode);
  EXPECT_EQ(topology.importing_from({6}), kNoNode);
  EXPECT_EQ(topology.importing_from({8}), c);
  EXPECT_EQ(topology.node(c).primary, kNoNode);
  EXPECT_EQ(topology.find(node_called('b').id), kNoNode);
  EXPECT_EQ(topology.find(node_called('c').id), c);
  EXPECT_EQ(topology.add(node_called('d')), b) << "the place is used again";
}

TEST(Topology, FindsEveryOneOfManyNodes) {
  Random random{5};
  auto topology = cluster_of_one();
  std::vector<std::pair<NodeId, NodeIndex>> added;
  for (int i = 0; i < 500; ++i) {
    Node node;
    node.id = *NodeId::parse(random.hex(40));
    added.emplace_back(node.id, *topology.add(node));
    if (i % 7 == 0) {
      topology.remove(added.back().second);
      EXPECT_EQ(topology.find(added.back().first), kNoNode);
      added.pop_back();
    }
  }
  for (const auto& [id, index] : added) EXPECT_EQ(topology.find(id), index);
  topology.rename(added[3].second, *NodeId::parse(std::string(40, '9')));
  EXPECT_EQ(topology.find(added[3].first), kNoNode);
  EXPECT_EQ(topology.find(*NodeId::parse(std::string(40, '9'))), added[3].second);
}

TEST(Topology, TellsRangesAndVoters) {
  auto topology = cluster_of_one();
  for (const std::uint16_t slot : {0, 1, 2, 9, 255, 256, 16383}) topology.set_owner({slot}, kSelf);
  using Ranges = std::vector<std::pair<Slot, Slot>>;
  EXPECT_EQ(topology.slot_ranges_of(kSelf), (Ranges{{{0}, {2}}, {{9}, {9}}, {{255}, {256}}, {{16383}, {16383}}}));
  EXPECT_EQ(topology.assigned_slots(), 7u);
  EXPECT_EQ(topology.voter_count(), 1u);
  EXPECT_EQ(topology.slots_of(kSelf).count(), 7u);
}

// The census is kept with each edit; counted anew it must be the same.
TEST(Topology, CensusFollowsEveryEdit) {
  auto topology = cluster_of_one();
  Random random{5};
  std::vector<NodeIndex> others;
  for (int step = 0; step < 4000; ++step) {
    const auto any = [&] { return others.empty() ? kSelf : others[random.below(others.size())]; };
    const auto voters_before = voters_of(topology);
    const auto revision_before = topology.voters_revision();
    switch (random.below(6)) {
      case 0: {
        Node node = node_called('b');
        node.id = *NodeId::parse(random.hex(40));
        node.slot_count = 7;  // not for the caller to say
        if (random.below(2) == 0) node.flags.set(NodeFlag::kPfail);
        if (others.size() < 30) others.push_back(*topology.add(node));
        break;
      }
      case 1:
        if (!others.empty()) {
          topology.remove(others.back());
          others.pop_back();
        }
        break;
      case 2: {
        const NodeFlag flag = std::array{NodeFlag::kPfail, NodeFlag::kFail}[random.below(2)];
        const bool on = random.below(2) == 0;
        topology.edit(any(), [&](Node& node) { on ? node.flags.set(flag) : node.flags.clear(flag); });
        break;
      }
      case 3: {
        const bool primary = random.below(3) > 0;
        topology.edit(any(), [&](Node& node) {
          node.flags.clear(NodeFlag::kPrimary | NodeFlag::kReplica);
          node.flags.set(primary ? NodeFlag::kPrimary : NodeFlag::kReplica);
        });
        break;
      }
      default: {
        const Slot slot{static_cast<std::uint16_t>(random.below(kSlotCount))};
        topology.set_owner(slot, random.below(4) == 0 ? kNoNode : any());
      }
    }
    ASSERT_EQ(topology.census(), counted(topology)) << "step " << step;
    ASSERT_EQ(voters_of(topology) != voters_before, topology.voters_revision() != revision_before) << "step " << step;
  }
}

TEST(Topology, EndpointsAsConfigured) {
  Node node = node_called('a');
  node.address = {"10.0.0.1", 7000, 6000, 17000};
  EXPECT_EQ(preferred_endpoint(node, EndpointType::kIp), "10.0.0.1");
  EXPECT_EQ(preferred_endpoint(node, EndpointType::kHostname), "?");
  EXPECT_EQ(preferred_endpoint(node, EndpointType::kUnknownEndpoint), "");
  EXPECT_EQ(client_port(node, true), 7000);
  EXPECT_EQ(client_port(node, false), 6000);
  node.address.plain_port = 0;
  EXPECT_EQ(client_port(node, false), 7000);
}

TEST(SlotBitmap, LowBitFirst) {
  SlotBitmap slots;
  slots.set({0});
  slots.set({9});
  slots.set({16383});
  EXPECT_EQ(slots.wire()[0], '\x01');
  EXPECT_EQ(slots.wire()[1], '\x02');
  EXPECT_EQ(slots.wire()[2047], '\x80');
  EXPECT_EQ(SlotBitmap::from_wire(slots.wire()), slots);
  std::vector<Slot> seen;
  slots.for_each([&](Slot slot) { seen.push_back(slot); });
  EXPECT_EQ(seen, (std::vector<Slot>{{0}, {9}, {16383}}));
}

TEST(SlotRuns, EqualsOnlyWhatItWasMadeFrom) {
  Random random{11};
  for (int round = 0; round < 200; ++round) {
    SlotBitmap slots;
    const auto stretches = random.below(6);
    for (std::uint64_t i = 0; i < stretches; ++i) {
      const auto from = random.below(kSlotCount);
      const auto to = std::min<std::uint64_t>(kSlotCount, from + random.below(300));
      for (auto s = from; s < to; ++s) slots.set({static_cast<std::uint16_t>(s)});
    }
    if (round == 0) {
      for (std::uint16_t s = 0; s < kSlotCount; ++s) slots.set({s});
    }
    const SlotRuns runs(slots.wire());
    EXPECT_TRUE(runs.equals(slots.wire()));
    std::size_t sum = 0;
    for (const auto& [first, last] : runs.ranges()) sum += std::size_t{last.value} - first.value + 1;
    EXPECT_EQ(sum, slots.count());
    for (std::uint16_t s = 0; s < kSlotCount; ++s) ASSERT_EQ(runs.has({s}), slots.has({s})) << s;
    const Slot flipped{static_cast<std::uint16_t>(random.below(kSlotCount))};
    slots.has(flipped) ? slots.reset(flipped) : slots.set(flipped);
    EXPECT_FALSE(runs.equals(slots.wire()));
  }
  EXPECT_TRUE(SlotRuns().equals(SlotBitmap().wire()));
}

TEST(NodeFlags, WordsThereAndBack) {
  EXPECT_EQ(format_node_flags(NodeFlag::kMyself | NodeFlag::kPrimary), "myself,master");
  EXPECT_EQ(format_node_flags(NodeFlag::kReplica | NodeFlag::kPfail | NodeFlag::kNoFailover),
            "slave,fail?,nofailover");
  EXPECT_EQ(format_node_flags({}), "noflags");
  EXPECT_EQ(format_node_flags(NodeFlag::kMigrateTo), "noflags");
  EXPECT_EQ(parse_node_flags("master,fail,noaddr").value(),
            NodeFlag::kPrimary | NodeFlag::kFail | NodeFlag::kNoAddress);
  EXPECT_EQ(parse_node_flags("noflags").value(), NodeFlags());
  EXPECT_FALSE(parse_node_flags("masters"));
  EXPECT_FALSE(parse_node_flags(""));
  EXPECT_FALSE(parse_node_flags("master,"));
  EXPECT_EQ(NodeFlags::from_wire(0xffff).wire(), 0x3ff);
}

}  // namespace
}  // namespace skein
