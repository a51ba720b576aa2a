#include <skein/cluster/node/node.h>

#include <gtest/gtest.h>

#include <skein/cluster/bus/packet.h>

#include "loopback.h"

namespace skein {
namespace {

using std::chrono_literals::operator""ms;

std::string error_of(const Result<void>& result) { return result ? "OK" : result.error().message(); }

std::vector<std::string_view> words(const std::vector<std::string>& texts) { return {texts.begin(), texts.end()}; }

TEST(ClusterNode, StartsAloneAndDown) {
  Loopback net(1);
  EXPECT_EQ(net.node(0).state(), ClusterState::kFail);
  EXPECT_EQ(net.node(0).info().known_nodes, 1u);
  EXPECT_NE(net.host(0).saved.find("myself,master - 0 0 0 connected\nvars currentEpoch 0 lastVoteEpoch 0\n"),
            std::string::npos)
      << net.host(0).saved;
}

TEST(ClusterNode, MeetingMakesOneClusterWithOneView) {
  Loopback net(6);
  net.form(3);
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(net.node(i).topology().node_count(), 6u);
    EXPECT_EQ(net.node(i).state(), ClusterState::kOk) << i;
    for (std::size_t j = 0; j < 3; ++j) {
      EXPECT_EQ(net.view(i, j).slot_count, net.node(j).topology().self().slot_count) << i << j;
      EXPECT_EQ(net.view(i, j).address.port, 7000 + j);
      EXPECT_EQ(net.view(i, j).address.ip, "127.0.0.1");
    }
  }
  EXPECT_EQ(net.node(0).info().size, 3u);
  EXPECT_EQ(net.node(0).current_epoch(), Epoch{6});
}

TEST(ClusterNode, ReplicasAreKnownToAll) {
  Loopback net(6);
  net.form(3);
  for (std::size_t i = 3; i < 6; ++i) ASSERT_TRUE(net.node(i).replicate(net.id(i - 3), net.now()));
  net.pump();
  net.run_for(4000ms);
  for (std::size_t i = 0; i < 6; ++i) {
    for (std::size_t j = 3; j < 6; ++j) {
      EXPECT_TRUE(net.view(i, j).is_replica());
      EXPECT_EQ(net.node(i).topology().node(net.view(i, j).primary).id, net.node(j - 3).id());
    }
  }
  const auto sources = net.seen<ReplicateFrom>(3);
  ASSERT_EQ(sources.size(), 1u);
  EXPECT_EQ(sources[0].port, 7000);
  EXPECT_EQ(sources[0].ip, "127.0.0.1");
  EXPECT_EQ(net.node(0).replicas(net.id(0), net.now()).value().size(), 1u);
  EXPECT_EQ(net.node(3).info().my_epoch, Epoch{1});
}

TEST(ClusterNode, AFailedPrimaryIsFailForAllAndComesBack) {
  Loopback net(4);
  net.form(3);
  net.crash(1);
  net.run_for(6000ms);
  for (const std::size_t i : {0u, 2u, 3u}) {
    EXPECT_EQ(net.node(i).state(), ClusterState::kFail) << i;
    EXPECT_NE(net.node(i).nodes_text(net.now()).find("master,fail - "), std::string::npos);
  }
  net.restart(1);
  net.run_for(12000ms);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(net.node(i).state(), ClusterState::kOk) << i;
}

TEST(ClusterNode, AMinorityStopsServing) {
  Loopback net(3);
  net.form(3);
  net.cut(2);
  net.run_for(5000ms);
  EXPECT_EQ(net.node(2).state(), ClusterState::kFail);
  EXPECT_FALSE(net.view(2, 0).has_failed()) << "suspected, but nobody agrees";
  EXPECT_TRUE(net.view(0, 2).has_failed());
  net.join(2);
  net.run_for(1500ms);
  EXPECT_EQ(net.node(2).state(), ClusterState::kFail) << "it waits for news first";
  net.run_for(12000ms);
  EXPECT_EQ(net.node(2).state(), ClusterState::kOk);
}

TEST(ClusterNode, ANewerClaimTakesSlotsAndTheirKeys) {
  Loopback net(3);
  net.form(2);
  net.host(0).keys.counts[5] = 2;
  // Taken by an operator at the third node alone: importing, then assigned.
  ASSERT_TRUE(net.node(2).set_slot(words({"5", "importing", net.id(0)}), net.now()));
  ASSERT_TRUE(net.node(2).set_slot(words({"5", "node", net.id(2)}), net.now()));
  net.pump();
  net.run_for(3000ms);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(net.node(i).topology().node(net.node(i).topology().owner({5})).id, net.node(2).id()) << i;
  }
  const auto lost = net.seen<SlotsLost>(0);
  ASSERT_EQ(lost.size(), 1u);
  EXPECT_EQ(lost[0].slots, std::vector<Slot>{{5}});
}

// As redis-cli --cluster fix does it, which gives the new owner an epoch of its own only if it knows of none
// that is greater.
TEST(ClusterNode, WhatItsOwnerDoesNotClaimAnyMoreGoesToWhoDoes) {
  Loopback net(3);
  net.form(3);
  ASSERT_GT(net.view(0, 2).config_epoch, net.view(0, 1).config_epoch);
  constexpr Slot kSlot{12000};
  const std::vector<std::string_view> slot{"12000"};
  ASSERT_TRUE(net.node(2).del_slots(slot, net.now()));
  ASSERT_TRUE(net.node(1).del_slots(slot, net.now()));
  ASSERT_TRUE(net.node(1).add_slots(slot, net.now()));
  net.pump();
  const auto owner_seen_by_0 = [&] { return net.node(0).topology().node(net.node(0).topology().owner(kSlot)).id; };
  net.run_for(1000ms);
  EXPECT_EQ(owner_seen_by_0().view(), net.id(2)) << "it may just not have said so yet";
  net.run_for(6000ms);
  for (const std::size_t at : {0u, 1u, 2u}) {
    const Topology& seen = net.node(at).topology();
    EXPECT_EQ(seen.node(seen.owner(kSlot)).id.view(), net.id(1)) << "as " << at << " sees it";
  }
}

TEST(ClusterNode, APrimaryThatLostItsLastSlotFollowsTheWinner) {
  Loopback net(3);
  net.give_slots(0, 0, 0);
  net.give_slots(1, 1, 16383);
  for (std::size_t i = 0; i < 3; ++i) ASSERT_TRUE(net.node(i).set_config_epoch(std::to_string(i + 1), net.now()));
  net.meet(0, 1);
  net.meet(0, 2);
  net.run_for(5000ms);
  ASSERT_TRUE(net.node(2).replicate(net.id(0), net.now()));
  net.run_for(2000ms);
  ASSERT_TRUE(net.node(1).set_slot(words({"0", "importing", net.id(0)}), net.now()));
  ASSERT_TRUE(net.node(1).set_slot(words({"0", "node", net.id(1)}), net.now()));
  net.run_for(4000ms);
  EXPECT_TRUE(net.node(0).topology().self().is_replica());
  EXPECT_EQ(net.seen<ReplicateFrom>(0).back().primary, net.node(1).id());
  EXPECT_EQ(net.seen<ReplicateFrom>(2).back().primary, net.node(1).id()) << "its replica goes along";
}

TEST(ClusterNode, TwoPrimariesNeverKeepOneEpoch) {
  Loopback net(2);
  net.give_slots(0, 0, 8000);
  net.give_slots(1, 8001, 16383);
  ASSERT_TRUE(net.node(0).set_config_epoch("4", net.now()));
  ASSERT_TRUE(net.node(1).set_config_epoch("4", net.now()));
  net.meet(0, 1);
  net.run_for(4000ms);
  const std::size_t mover = net.id(0) < net.id(1) ? 0 : 1;
  EXPECT_EQ(net.node(mover).topology().self().config_epoch, Epoch{5});
  EXPECT_EQ(net.node(1 - mover).topology().self().config_epoch, Epoch{4});
}

TEST(ClusterNode, OneThatStayedBehindIsToldByUpdate) {
  Loopback net(3);
  net.form(2);
  net.cut(0);
  net.run_for(300ms);
  ASSERT_TRUE(net.node(2).set_slot(words({"5", "importing", net.id(0)}), net.now()));
  ASSERT_TRUE(net.node(2).set_slot(words({"5", "node", net.id(2)}), net.now()));
  net.run_for(300ms);
  net.join(0);
  net.run_for(4000ms);
  EXPECT_NE(net.node(0).topology().owner({5}), kSelf);
  EXPECT_EQ(net.node(0).topology().self().slot_count, 8191);
}

TEST(ClusterNode, ForgottenByOneIsForgottenByAll) {
  Loopback net(4);
  net.form(2);
  const auto gone = net.id(3);
  net.crash(3);
  ASSERT_TRUE(net.node(0).forget(gone, net.now()));
  net.run_for(4000ms);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(net.node(i).topology().node_count(), 3u) << i;
  EXPECT_TRUE(net.node(1).forget(gone, net.now())) << "a tool that goes round is not refused";
  EXPECT_EQ(error_of(net.node(0).forget(std::string(40, 'e'), net.now())),
            "ERR Unknown node " + std::string(40, 'e'));
}

TEST(ClusterNode, MetAgainAfterForgettingItStays) {
  Loopback net(3);
  net.form(2);
  net.run_for(3000ms);
  ASSERT_TRUE(net.node(2).reset({}, net.now()));
  ASSERT_TRUE(net.node(0).forget(net.id(2), net.now()));
  net.run_for(5000ms);
  EXPECT_EQ(net.node(1).topology().node_count(), 2u);
  net.meet(0, 2);
  net.run_for(5000ms);
  EXPECT_EQ(net.node(0).topology().node_count(), 3u);
  EXPECT_EQ(net.node(2).topology().node_count(), 3u);
}

TEST(ClusterNode, AMovedNodeIsFoundAtItsNewAddress) {
  Loopback net(3);
  net.form(2);
  net.crash(2);
  net.host(2).settings.port = 7777;
  net.restart(2);
  net.run_for(5000ms);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(net.view(i, 2).address.port, 7777) << i;
  EXPECT_EQ(net.view(0, 2).address.bus_port, 17777);
}

TEST(ClusterNode, AnotherIdAtAnAddressLeavesTheNodeWithoutOne) {
  Loopback net(3);
  net.form(2);
  const auto before = net.id(2);
  net.crash(2);
  net.host(2).saved.clear();
  net.host(2).reachable = true;
  Loopback other(1);  // an identity of its own
  auto state = parse_nodes_conf(other.host(0).saved);
  ASSERT_TRUE(state);
  net.host(2).node = std::make_unique<ClusterNode>(net.host(2).settings, std::move(*state), Random{9},
                                                   net.host(2).keys, net.now());
  net.run_for(1000ms);
  EXPECT_NE(net.node(0).nodes_text(net.now()).find(before + " :0@0 master,noaddr"), std::string::npos)
      << net.node(0).nodes_text(net.now());
  // Nobody hears it either.
  net.run_for(2500ms);
  EXPECT_NE(net.node(0).nodes_text(net.now()).find(before + " :0@0 master,fail"), std::string::npos)
      << net.node(0).nodes_text(net.now());
}

TEST(ClusterNode, HostNamesAreToldAndWithdrawn) {
  Loopback net(2);
  net.host(1).settings.announce_hostname = "two.example";
  net.node(1).on_settings(net.host(1).settings, net.now());
  net.form(1);
  EXPECT_EQ(net.view(0, 1).hostname, "two.example");
  EXPECT_NE(net.node(0).nodes_text(net.now()).find(":7001@17001,two.example "), std::string::npos);
  net.host(1).settings.announce_hostname = "";
  net.node(1).on_settings(net.host(1).settings, net.now());
  net.run_for(3000ms);
  EXPECT_EQ(net.view(0, 1).hostname, "");
}

TEST(ClusterNode, ARestartKeepsIdentitySlotsAndEpochs) {
  Loopback net(4);
  net.form(3);
  ASSERT_TRUE(net.node(3).replicate(net.id(1), net.now()));
  net.run_for(2000ms);
  std::vector<std::string> before;
  for (std::size_t i = 0; i < 4; ++i) before.push_back(net.id(i));
  for (std::size_t i = 0; i < 4; ++i) net.crash(i);
  for (std::size_t i = 0; i < 4; ++i) net.restart(i);
  EXPECT_EQ(net.seen<ReplicateFrom>(3).size(), 2u) << "it follows its primary at once";
  net.run_for(8000ms);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(net.id(i), before[i]);
    EXPECT_EQ(net.node(i).state(), ClusterState::kOk) << i;
    EXPECT_EQ(net.node(i).current_epoch(), Epoch{4});
  }
  EXPECT_TRUE(net.view(0, 3).is_replica());
}

TEST(ClusterNode, NothingIsShownBeforeItIsSaved) {
  Loopback net(3);
  net.form(2);
  net.host(0).saves = false;
  net.host(0).sent.clear();
  EXPECT_EQ(net.node(0).bump_epoch(net.now()).value(), "BUMPED 4");
  net.run_for(1500ms);
  EXPECT_TRUE(net.host(0).sent.empty());
  EXPECT_TRUE(net.node(0).is_saving());
  EXPECT_EQ(net.view(1, 0).config_epoch, Epoch{1});
  net.host(0).saves = true;
  net.finish_save(0);
  EXPECT_FALSE(net.node(0).is_saving());
  net.run_for(2000ms);
  EXPECT_EQ(net.view(1, 0).config_epoch, Epoch{4});
}

TEST(ClusterNode, EndpointsAndShards) {
  Loopback net(3);
  net.form(2);
  ASSERT_TRUE(net.node(2).replicate(net.id(0), net.now()));
  net.node(2).on_data({.offset = {40}}, net.now());
  net.run_for(3000ms);
  const auto slots = net.node(1).slots_view();
  ASSERT_EQ(slots.size(), 2u);
  EXPECT_EQ(slots[0].first, Slot{0});
  EXPECT_EQ(slots[0].last, Slot{8191});
  ASSERT_EQ(slots[0].nodes.size(), 2u);
  EXPECT_EQ(slots[0].nodes[1].port, 7002);
  EXPECT_EQ(slots[0].nodes[0].endpoint, "127.0.0.1");
  EXPECT_TRUE(slots[0].nodes[0].metadata.empty());

  auto settings = net.host(1).settings;
  settings.endpoint_type = EndpointType::kUnknownEndpoint;
  net.node(1).on_settings(settings, net.now());
  EXPECT_EQ(net.node(1).slots_view()[0].nodes[0].endpoint, std::nullopt);
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(net.node(1).slots_view()[0].nodes[0].metadata, (Pairs{{"ip", "127.0.0.1"}}));

  const auto shards = net.node(1).shards_view();
  ASSERT_EQ(shards.size(), 2u);
  std::size_t nodes = 0;
  for (const auto& shard : shards) nodes += shard.nodes.size();
  EXPECT_EQ(nodes, 3u);
  EXPECT_EQ(net.node(1).links_view(net.now()).size(), 4u);
  const auto info = net.node(1).info();
  EXPECT_EQ(info.slots_ok, 16384u);
  EXPECT_GT(info.messages.sent[0], 0u);
  EXPECT_GT(info.messages.received[1], 0u);
}

TEST(ClusterNode, ResetForgetsWhatItShould) {
  Loopback net(3);
  net.form(2);
  ASSERT_TRUE(net.node(2).replicate(net.id(0), net.now()));
  net.run_for(1000ms);
  net.host(2).keys.counts[1] = 3;
  const auto before = net.id(2);
  ASSERT_TRUE(net.node(2).reset({}, net.now()));
  EXPECT_EQ(net.id(2), before);
  EXPECT_EQ(net.node(2).topology().node_count(), 1u);
  EXPECT_TRUE(net.node(2).topology().self().is_primary());
  net.pump();
  EXPECT_EQ(net.seen<StopReplicating>(2).size(), 1u);
  EXPECT_EQ(net.seen<EmptyDataset>(2).size(), 1u);
  EXPECT_EQ(error_of(net.node(2).reset({}, net.now())),
            "ERR CLUSTER RESET can't be called with master nodes containing keys");
  net.host(2).keys.counts.clear();
  ASSERT_TRUE(net.node(2).reset(words({"hard"}), net.now()));
  EXPECT_NE(net.id(2), before);
  EXPECT_EQ(net.node(2).current_epoch(), Epoch{0});
}

TEST(ClusterNode, RefusesAsRedisDoes) {
  Loopback net(3);
  net.form(2);
  auto& node = net.node(0);
  const auto now = net.now();
  const auto unknown = std::string(40, '7');
  EXPECT_EQ(error_of(node.add_slots(words({"1"}), now)), "ERR Slot 1 is already busy");
  EXPECT_EQ(error_of(node.add_slots(words({"x"}), now)), "ERR Invalid or out of range slot");
  EXPECT_EQ(error_of(node.del_slots(words({"1", "1"}), now)), "ERR Slot 1 specified multiple times");
  EXPECT_EQ(error_of(node.del_slot_ranges(words({"5", "3"}), now)),
            "ERR start slot number 5 is greater than end slot number 3");
  EXPECT_EQ(error_of(node.meet(words({"1.1.1", "77"}), now)), "ERR Invalid node address specified: 1.1.1:77");
  EXPECT_EQ(error_of(node.meet(words({"127.0.0.1", "60000"}), now)),
            "ERR Invalid node address specified: 127.0.0.1:60000");
  EXPECT_EQ(error_of(node.meet(words({"127.0.0.1", "x"}), now)), "ERR Invalid TCP base port specified: x");
  EXPECT_EQ(error_of(node.set_slot(words({"1", "importing", net.id(1)}), now)),
            "ERR I'm already the owner of hash slot 1");
  EXPECT_EQ(error_of(node.set_slot(words({"1", "migrating", unknown}), now)), "ERR I don't know about node " + unknown);
  EXPECT_EQ(error_of(node.set_slot(words({"1", "foo"}), now)),
            "ERR Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP");
  EXPECT_EQ(error_of(node.replicate(net.id(0), now)), "ERR Can't replicate myself");
  EXPECT_EQ(error_of(node.replicate(net.id(1), now)),
            "ERR To set a master the node must be empty and without assigned slots.");
  EXPECT_EQ(error_of(node.forget(net.id(0), now)), "ERR I tried hard but I can't forget myself...");
  EXPECT_EQ(error_of(node.failover({}, net.now())), "ERR You should send CLUSTER FAILOVER to a replica");
  EXPECT_EQ(error_of(node.failover(words({"x"}), net.now())), "ERR syntax error");
  EXPECT_EQ(error_of(node.set_config_epoch("9", now)),
            "ERR The user can assign a config epoch only when the node does not know any other node.");
  net.host(0).keys.counts[1] = 1;
  EXPECT_EQ(error_of(node.set_slot(words({"1", "node", net.id(1)}), now)),
            "ERR Can't assign hashslot 1 to a different node while I still hold keys for this hash slot.");
  EXPECT_EQ(error_of(node.flush_slots(now)), "ERR DB must be empty to perform CLUSTER FLUSHSLOTS.");

  ASSERT_TRUE(net.node(2).replicate(net.id(0), now));
  net.run_for(1000ms);
  EXPECT_EQ(error_of(net.node(2).set_slot(words({"1", "stable"}), now)), "ERR Please use SETSLOT only with masters.");
  EXPECT_EQ(error_of(net.node(2).forget(net.id(0), now)), "ERR Can't forget my master!");
  EXPECT_EQ(error_of(node.replicate(net.id(2), now)), "ERR I can only replicate a master, not a replica.");
  EXPECT_EQ(node.replicas(net.id(2), now).error().message(), "ERR The specified node is not a master");
  EXPECT_EQ(node.count_failure_reports(net.id(1), now).value(), 0);
}

TEST(ClusterNode, ADamagedPacketChangesNothing) {
  Loopback net(2);
  net.form(1);
  const auto before = net.node(0).nodes_text(net.now());
  PacketHeader header;
  header.type = MessageType::kPing;
  header.sender = net.node(1).id();
  SlotBitmap all;
  for (std::uint16_t s = 0; s < kSlotCount; ++s) all.set({s});
  header.slots = all.wire();
  header.config_epoch = {90};
  header.current_epoch = {90};
  header.port = 7001;
  header.bus_port = 17001;
  header.flags = NodeFlag::kPrimary;
  // Without the mark its sender is known for, and with an epoch out of reach.
  net.node(0).on_packet({LinkId::inbound(99), "127.0.0.1", "127.0.0.1"}, encode_heartbeat(header, {}, {}, false), net.now());
  header.current_epoch = {std::uint64_t{1} << 40};
  net.node(0).on_packet({LinkId::inbound(99), "127.0.0.1", "127.0.0.1"}, encode_heartbeat(header, {}, {}), net.now());
  net.node(0).on_packet({LinkId::inbound(99), "127.0.0.1", "127.0.0.1"}, "junk", net.now());
  EXPECT_EQ(net.node(0).refused_packets(), 3u);
  EXPECT_EQ(net.node(0).nodes_text(net.now()), before);
  EXPECT_EQ(net.node(0).current_epoch(), Epoch{2});
}

TEST(ClusterNode, AStrangersPingIsAnsweredAndTeachesNothing) {
  Loopback net(1);
  net.give_slots(0, 0, 16383);
  PacketHeader header;
  header.type = MessageType::kPing;
  header.sender = *NodeId::parse(std::string(40, 'c'));
  header.current_epoch = {50};
  header.port = 7001;
  header.bus_port = 17001;
  header.flags = NodeFlag::kPrimary;
  net.node(0).on_packet({LinkId::inbound(5), "127.0.0.9", "127.0.0.1"}, encode_heartbeat(header, {}, {}, false), net.now());
  std::size_t pongs = 0;
  for (const auto& effect : net.node(0).take_effects()) {
    if (const auto* packet = std::get_if<SendPacket>(&effect)) {
      EXPECT_EQ(packet->type, MessageType::kPong);
      EXPECT_EQ(packet->link, LinkId::inbound(5));
      ++pongs;
    }
  }
  EXPECT_EQ(pongs, 1u);
  EXPECT_EQ(net.node(0).topology().node_count(), 1u);
  EXPECT_EQ(net.node(0).current_epoch(), Epoch{0});
}

// A replica of the second host asks the first one for its vote.
struct Ballot {
  Loopback net{4};
  PacketHeader ask;
  SlotBitmap slots;

  Ballot() {
    net.form(3);
    EXPECT_TRUE(net.node(3).replicate(net.id(1), net.now()));
    net.run_for(2000ms);
    net.crash(1);
    net.run_for(5000ms);
    net.host(0).sent.clear();
    slots = net.node(3).topology().slots_of(net.node(3).topology().self().primary);
    ask.type = MessageType::kAuthRequest;
    ask.sender = net.node(3).id();
    ask.slots = slots.wire();
    ask.config_epoch = {2};
    ask.current_epoch = {9};
    ask.replica_of = net.node(3).topology().node(net.node(3).topology().self().primary).id;
    ask.port = 7003;
    ask.bus_port = 17003;
    ask.flags = NodeFlag::kReplica;
  }
  std::size_t votes_after_asking() {
    net.host(0).sent.clear();
    net.node(0).on_packet({LinkId::inbound(777), "127.0.0.1", "127.0.0.1"}, encode_bare(ask), net.now());
    net.pump();
    return static_cast<std::size_t>(
        std::count(net.host(0).sent.begin(), net.host(0).sent.end(), MessageType::kAuthAck));
  }
};

TEST(ClusterNode, VotesOnceInAnEpochAfterSaving) {
  Ballot ballot;
  auto& net = ballot.net;
  net.host(0).saves = false;
  EXPECT_EQ(ballot.votes_after_asking(), 0u) << "not before it is saved";
  net.host(0).saves = true;
  net.finish_save(0);
  EXPECT_EQ(std::count(net.host(0).sent.begin(), net.host(0).sent.end(), MessageType::kAuthAck), 1);
  EXPECT_EQ(net.node(0).last_vote_epoch(), Epoch{9});
  EXPECT_NE(net.host(0).saved.find("vars currentEpoch 9 lastVoteEpoch 9"), std::string::npos) << net.host(0).saved;
  EXPECT_EQ(ballot.votes_after_asking(), 1u) << "the same vote, told again";
  EXPECT_EQ(net.node(0).last_vote_epoch(), Epoch{9});
  ballot.ask.current_epoch = {10};
  EXPECT_EQ(ballot.votes_after_asking(), 1u) << "the same candidate in a newer epoch";
  EXPECT_EQ(net.node(0).last_vote_epoch(), Epoch{10});
}

TEST(ClusterNode, AVoteHeldUpTooLongIsDropped) {
  Ballot ballot;
  auto& net = ballot.net;
  net.host(0).saves = false;
  EXPECT_EQ(ballot.votes_after_asking(), 0u);
  net.run_for(2500ms);
  net.host(0).saves = true;
  net.finish_save(0);
  EXPECT_EQ(std::count(net.host(0).sent.begin(), net.host(0).sent.end(), MessageType::kAuthAck), 0);
}

TEST(ClusterNode, AVoterThatForgetsVotesTwice) {
  Ballot ballot;
  auto settings = ballot.net.host(0).settings;
  settings.bugs.vote_twice = true;
  ballot.net.node(0).on_settings(settings, ballot.net.now());
  EXPECT_EQ(ballot.votes_after_asking(), 1u);
  EXPECT_EQ(ballot.votes_after_asking(), 1u) << "the planted bug is real";
}

}  // namespace
}  // namespace skein
