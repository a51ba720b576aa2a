// Where members are: nodes that change places, names for addresses, and a node's own.
#include <gtest/gtest.h>

#include <skein/cluster/bus/packet.h>
#include <skein/cluster/node/node.h>

#include "loopback.h"

namespace skein {
namespace {

using std::chrono_literals::operator""ms;

// Three primaries with a replica each: 3, 4 and 5.
class Addresses : public testing::Test {
 protected:
  Addresses() : net(6) {
    net.form(3);
    for (std::size_t i = 3; i < 6; ++i) {
      EXPECT_TRUE(net.node(i).replicate(net.id(i - 3), net.now()));
      net.host(i).data = DataFacts{.offset = ReplOffset{100}, .primary_silence = 0ms};
    }
    net.run_for(4000ms);
  }
  void restart_at(const std::vector<std::pair<std::size_t, std::uint16_t>>& places) {
    for (const auto& [i, port] : places) net.crash(i);
    for (const auto& [i, port] : places) net.host(i).settings.port = port;
    // A process at a time, as machines come up.
    for (const auto& [i, port] : places) net.restart(i);
  }
  // Nothing, or what is wrong.
  std::string wrong_addresses() {
    for (std::size_t of = 0; of < 6; ++of) {
      for (std::size_t about = 0; about < 6; ++about) {
        const Node& node = net.view(of, about);
        if (node.address.port == net.host(about).settings.port && !node.flags.has(NodeFlag::kNoAddress)) continue;
        return "node " + std::to_string(of) + " sees:\n" + net.node(of).nodes_text(net.now());
      }
    }
    return "";
  }
  bool anybody_dials_itself() {
    for (std::size_t i = 0; i < 6; ++i) {
      for (const auto& [link, end] : net.host(i).outbound) {
        if (end.first == i) return true;
      }
    }
    return false;
  }
  Loopback net;
};

TEST_F(Addresses, APrimaryAndItsReplicaThatHaveSwappedFindEachOther) {
  restart_at({{0, 7003}, {3, 7000}});
  net.run_for(6000ms);
  EXPECT_EQ(wrong_addresses(), "");
  EXPECT_FALSE(anybody_dials_itself());
  const auto followed = net.seen<ReplicateFrom>(3);
  ASSERT_FALSE(followed.empty());
  EXPECT_EQ(followed.back().port, 7003);
  EXPECT_EQ(net.node(3).topology().self().is_replica(), true);
  // And the replica takes over when it has to.
  net.crash(0);
  net.run_for(6000ms);
  EXPECT_TRUE(net.node(3).topology().self().is_primary());
}

TEST_F(Addresses, WhoKnowsItsOwnPlaceDoesNotDialItself) {
  for (std::size_t i = 0; i < 6; ++i) net.host(i).settings.bound_ips = {"127.0.0.1"};
  restart_at({{1, 7002}, {2, 7001}});
  EXPECT_FALSE(anybody_dials_itself());
  net.run_for(3000ms);
  EXPECT_FALSE(anybody_dials_itself());
  EXPECT_EQ(wrong_addresses(), "");
}

TEST_F(Addresses, AllChangePlaces) {
  restart_at({{0, 7001}, {1, 7002}, {2, 7003}, {3, 7004}, {4, 7005}, {5, 7000}});
  net.run_for(8000ms);
  EXPECT_EQ(wrong_addresses(), "");
  EXPECT_EQ(net.node(2).state(), ClusterState::kOk);
}

TEST_F(Addresses, OneIsFoundAgainThatStandsSomewhereElse) {
  restart_at({{0, 7100}, {1, 7000}});
  net.run_for(6000ms);
  EXPECT_EQ(wrong_addresses(), "");
}

// Its address has gone to a stranger before anybody missed it: nobody knows where to ask, and still it is failed.
TEST_F(Addresses, APrimaryWhoseAddressHasANewTenantIsReplaced) {
  const std::string before = net.id(0);
  net.crash(0);
  Loopback elsewhere(7);
  auto stranger = parse_nodes_conf(elsewhere.host(6).saved);
  ASSERT_TRUE(stranger);
  net.host(0).reachable = true;
  net.host(0).node = std::make_unique<ClusterNode>(net.host(0).settings, std::move(*stranger), Random{9}, net.host(0).keys,
                                                   net.now());
  net.run_for(1000ms);
  EXPECT_NE(net.node(1).nodes_text(net.now()).find(before + " :0@0 master,noaddr"), std::string::npos);
  // Clients are sent nowhere meanwhile, and the slots are shown by nobody.
  const auto slots = net.node(1).slots_view();
  ASSERT_FALSE(slots.empty());
  EXPECT_GT(slots[0].first.value, 0);
  for (const auto& shard : net.node(1).shards_view()) {
    for (const auto& node : shard.nodes) EXPECT_NE(node.id.view(), before);
  }
  net.run_for(6000ms);
  EXPECT_TRUE(net.node(3).topology().self().is_primary()) << net.node(3).nodes_text(net.now());
  EXPECT_EQ(net.node(1).state(), ClusterState::kOk);
}

TEST_F(Addresses, OldGossipDoesNotBringBackAnAddressThatWasFoundWrong) {
  restart_at({{0, 7003}, {3, 7000}});
  // What a member says that has not noticed yet.
  const NodeId id = *NodeId::parse(net.id(0));
  PacketHeader header;
  header.type = MessageType::kPing;
  header.sender = net.node(1).id();
  header.port = 7001;
  header.bus_port = 17001;
  header.flags = NodeFlag::kPrimary;
  header.current_epoch = net.node(1).current_epoch();
  header.config_epoch = net.node(1).topology().self().config_epoch;
  const SlotBitmap slots = net.node(1).topology().slots_of(kSelf);
  header.slots = slots.wire();
  const GossipEntry old{.id = id, .ip = "127.0.0.1", .port = 7000, .bus_port = 17000, .flags = NodeFlag::kPrimary};
  net.run_for(100ms);
  for (int i = 0; i < 5; ++i) {
    net.tell(1, 3, encode_heartbeat(header, {&old, 1}, {}));
    EXPECT_FALSE(anybody_dials_itself());
    EXPECT_NE(net.view(3, 0).address.port, 7000);
  }
}

TEST_F(Addresses, ANameIsToldKeptAndDialled) {
  auto settings = net.host(1).settings;
  settings.announce_ip = "redis_1.redis.svc";
  net.host(1).settings = settings;
  net.node(1).on_settings(settings, net.now());
  net.run_for(3000ms);
  for (std::size_t of = 0; of < 6; ++of) EXPECT_EQ(net.view(of, 1).address.ip, "redis_1.redis.svc") << of;
  EXPECT_EQ(net.seen<ReplicateFrom>(4).back().ip, "redis_1.redis.svc");
  EXPECT_EQ(net.node(0).slots_view()[1].nodes[0].endpoint, "redis_1.redis.svc");
  EXPECT_NE(net.node(0).nodes_text(net.now()).find(" redis_1.redis.svc:7001@17001 "), std::string::npos);
  // Learnt by one who has only heard of it from others, and read again from the file.
  net.crash(0);
  net.restart(0);
  net.run_for(3000ms);
  EXPECT_EQ(net.view(0, 1).address.ip, "redis_1.redis.svc");
  EXPECT_EQ(net.node(0).state(), ClusterState::kOk);

  settings.announce_ip = "";
  net.node(1).on_settings(settings, net.now());
  net.run_for(3000ms);
  for (std::size_t of = 0; of < 6; ++of) EXPECT_EQ(net.view(of, 1).address.ip, "127.0.0.1") << of;
}

TEST_F(Addresses, WhatNoHostHasIsNotAnnounced) {
  for (const char* text : {"two words", "redis-cluster-leader-0.redis-cluster-headless.my-namespace.svc.cluster.local"}) {
    auto settings = net.host(1).settings;
    settings.announce_ip = text;
    net.node(1).on_settings(settings, net.now());
    net.run_for(3000ms);
    for (std::size_t of = 0; of < 6; ++of) EXPECT_EQ(net.view(of, 1).address.ip, "127.0.0.1") << of << text;
    EXPECT_TRUE(parse_nodes_conf(net.host(1).saved)) << "it can be started again";
  }
}

// What a member hears at which of its own addresses.
class OwnAddress : public testing::Test {
 protected:
  OwnAddress() : net(3) { net.form(3); }

  void hear(std::size_t from, std::string_view local_ip, std::uint64_t link) {
    PacketHeader header;
    header.type = MessageType::kPing;
    header.sender = *NodeId::parse(net.id(from));
    header.port = net.host(from).settings.port;
    header.bus_port = static_cast<std::uint16_t>(header.port + kBusPortAbove);
    header.flags = NodeFlag::kPrimary;
    header.current_epoch = net.node(from).current_epoch();
    header.config_epoch = net.node(from).topology().self().config_epoch;
    const SlotBitmap slots = net.node(from).topology().slots_of(kSelf);
    header.slots = slots.wire();
    net.node(0).on_packet({LinkId::inbound(9000 + link), "127.0.0.1", local_ip}, encode_heartbeat(header, {}, {}), net.now());
  }
  void hear_stranger(MessageType type, std::string_view local_ip) {
    PacketHeader header;
    header.type = type;
    header.sender = *NodeId::parse(std::string(40, 'd'));
    header.port = 7900;
    header.bus_port = 17900;
    header.flags = NodeFlag::kPrimary;
    net.node(0).on_packet({LinkId::inbound(9999), "127.0.0.1", local_ip}, encode_heartbeat(header, {}, {}), net.now());
  }
  std::string own() { return net.node(0).topology().self().address.ip; }
  Loopback net;
};

TEST_F(OwnAddress, IsWhereAllMembersReachIt) {
  hear(1, "10.0.0.7", 1);
  EXPECT_EQ(own(), "127.0.0.1") << "another member still reaches it at the old one";
  hear(2, "10.0.0.7", 2);
  EXPECT_EQ(own(), "10.0.0.7");
  hear(1, "10.0.0.8", 3);
  EXPECT_EQ(own(), "10.0.0.7");
}

TEST_F(OwnAddress, OnSeveralNetworksStaysTheSame) {
  hear(1, "10.0.0.7", 1);
  for (int i = 0; i < 4; ++i) hear(1, "10.0.0.7", 1);
  EXPECT_EQ(own(), "127.0.0.1");
}

TEST_F(OwnAddress, IsNoStrangersBusiness) {
  hear_stranger(MessageType::kPing, "10.0.0.9");
  hear_stranger(MessageType::kMeet, "10.0.0.9");
  EXPECT_EQ(own(), "127.0.0.1");
}

TEST_F(OwnAddress, OfOneThatIsBoundToOne) {
  net.crash(0);
  net.host(0).settings.bound_ips = {"127.0.0.3", "10.0.0.5"};
  net.restart(0);
  EXPECT_EQ(own(), "10.0.0.5") << "others reach the one that is no loopback address";
  net.crash(0);
  net.host(0).settings.bound_ips = {"10.0.0.5", "127.0.0.1"};
  net.restart(0);
  EXPECT_EQ(own(), "10.0.0.5") << "it is one of them";
  net.crash(0);
  net.host(0).settings.bound_ips = {"10.0.1.5", "10.0.2.5"};
  net.restart(0);
  net.run_for(1000ms);
  EXPECT_EQ(own(), "127.0.0.1") << "members tell which of several it is";
}

TEST_F(OwnAddress, LoopbackIsNotWhereOthersAre) {
  net.crash(0);
  net.host(0).settings.bound_ips = {"10.0.0.5"};
  net.restart(0);
  hear(1, "127.0.0.1", 1);
  hear(2, "127.0.0.1", 2);
  EXPECT_EQ(own(), "10.0.0.5");
}

}  // namespace
}  // namespace skein
