#include <skein/cluster/node/saved_state.h>

#include <gtest/gtest.h>

#include <skein/base/random.h>

#include "loopback.h"

namespace skein {
namespace {

const std::string kA(40, 'a');
const std::string kB(40, 'b');
const std::string kC(40, 'c');

std::string own_line(const std::string& slots = "") {
  return kA + " 127.0.0.1:7000@17000 myself,master - 0 0 3 connected" + slots + "\n";
}
std::string line(const std::string& id, const std::string& rest) { return id + " " + rest + "\n"; }

std::string error_of(const std::string& text) {
  const auto state = parse_nodes_conf(text);
  return state ? "" : state.error().message();
}

TEST(NodesConf, ReadsWhatRedisWrites) {
  const auto state = parse_nodes_conf(
      line(kB, "10.0.0.2:7001@17001,host.two slave " + kA + " 0 1795174621865 3 connected") +
      own_line(" 0-5000 7000 16383 [9->-" + kC + "] [10-<-" + kC + "]") +
      line(kC, "::1:7002@17002 master,fail? - 1795174621865 1795174621865 4 disconnected 5001-5002") +
      "vars currentEpoch 6 lastVoteEpoch 5\n\n\n");
  ASSERT_TRUE(state) << state.error().message();
  const auto& topology = state->topology;
  EXPECT_EQ(topology.self().id.view(), kA);
  EXPECT_EQ(topology.self().slot_count, 5003);
  EXPECT_EQ(topology.self().config_epoch, Epoch{3});
  const auto b = topology.find(*NodeId::parse(kB));
  const auto c = topology.find(*NodeId::parse(kC));
  EXPECT_EQ(topology.node(b).hostname, "host.two");
  EXPECT_EQ(topology.node(b).primary, kSelf);
  EXPECT_EQ(topology.node(c).address.ip, "::1");
  EXPECT_TRUE(topology.node(c).is_suspected());
  EXPECT_EQ(topology.owner({5002}), c);
  EXPECT_EQ(topology.migrating_to({9}), c);
  EXPECT_EQ(topology.importing_from({10}), c);
  EXPECT_EQ(state->current_epoch, Epoch{6});
  EXPECT_EQ(state->last_vote_epoch, Epoch{5});
}

TEST(NodesConf, ReadsOtherVersions) {
  const auto old = parse_nodes_conf(kA + " 127.0.0.1:7000 myself,master - 0 0 3 connected\n");
  ASSERT_TRUE(old) << old.error().message();
  EXPECT_EQ(old->topology.self().address.bus_port, 17000);
  EXPECT_EQ(old->current_epoch, Epoch{3}) << "no vars line: raised to the greatest epoch";

  const auto newer = parse_nodes_conf(kA + " 127.0.0.1:7000@17000,,tls-port=0,shard-id=" + kC +
                                      " myself,master - 0 0 1 connected 0-1\n" + kB +
                                      " 127.0.0.1:7001@17001,two,shard-id=" + kC +
                                      " slave,nofailover " + kA + " 0 0 1 connected\n" + kC +
                                      " :0@0,,nodename=x noaddr,master - 0 0 0 disconnected\n" +
                                      "vars currentEpoch 1 lastVoteEpoch 0 laterThing 4\n");
  ASSERT_TRUE(newer) << newer.error().message();
  EXPECT_EQ(newer->topology.node_count(), 3u);
}

TEST(NodesConf, RefusesDamageWithLineAndReason) {
  const auto vars = std::string("vars currentEpoch 6 lastVoteEpoch 5\n");
  EXPECT_EQ(error_of(""), "no node is myself");
  EXPECT_EQ(error_of("\n\n"), "no node is myself");
  EXPECT_EQ(error_of(own_line() + "vars currentEpoch 6"), "line 2: cut short: the line does not end");
  EXPECT_EQ(error_of(own_line().substr(0, 60) + "\n"), "line 1: too few fields");
  EXPECT_EQ(error_of(own_line() + own_line()), "line 2: a second node is myself");
  EXPECT_EQ(error_of(own_line() + line(kA, "127.0.0.1:7001@17001 master - 0 0 1 connected")),
            "line 2: node " + kA + " twice");
  EXPECT_EQ(error_of(own_line(" 1-3 3")), "line 1: slot 3 twice");
  EXPECT_EQ(error_of(own_line(" 1-3") + line(kB, "127.0.0.1:7001@17001 master - 0 0 1 connected 2")),
            "line 2: slot 2 has an owner already");
  EXPECT_EQ(error_of(own_line(" 16384")), "line 1: malformed slots '16384'");
  EXPECT_EQ(error_of(own_line(" 5-4")), "line 1: malformed slots '5-4'");
  EXPECT_EQ(error_of(own_line(" [5->-" + kB + "]")), "line 1: an open slot with the unknown node " + kB);
  EXPECT_EQ(error_of(own_line(" [5>-" + kB + "]")), "line 1: malformed open slot '[5>-" + kB + "]'");
  EXPECT_EQ(error_of(own_line(" [5-")), "line 1: malformed open slot '[5-'");
  EXPECT_EQ(error_of(own_line() + line(kB, "127.0.0.1:7001@17001 slave " + kC + " 0 0 1 connected")),
            "line 2: unknown master " + kC);
  EXPECT_EQ(error_of(own_line() + line(kB, "127.0.0.1:7001@17001 slave " + kA + " 0 0 1 connected 5")),
            "line 2: slots of a node that is no master");
  EXPECT_EQ(error_of(own_line() + line(kB, "127.0.0.q:7001@17001 master - 0 0 1 connected")),
            "line 2: malformed address '127.0.0.q:7001@17001'");
  EXPECT_EQ(error_of(own_line() + line(kB, "127.0.0.1:70011@17001 master - 0 0 1 connected")),
            "line 2: malformed address '127.0.0.1:70011@17001'");
  EXPECT_EQ(error_of(own_line() + line(kB, "127.0.0.1:7001@17001 mister - 0 0 1 connected")),
            "line 2: unknown node flag 'mister'");
  EXPECT_EQ(error_of(own_line() + line(kB, "127.0.0.1:7001@17001 master - 0 0 x connected")),
            "line 2: malformed epoch 'x'");
  EXPECT_EQ(error_of(own_line() + line(kB, "127.0.0.1:7001@17001 master - 0 0 1 conected")),
            "line 2: neither connected nor disconnected but 'conected'");
  EXPECT_EQ(error_of(own_line() + line("xyz", "127.0.0.1:7001@17001 master - 0 0 1 connected")),
            "line 2: malformed node id 'xyz'");
  EXPECT_EQ(error_of(own_line() + vars + vars), "line 3: a second vars line");
  EXPECT_EQ(error_of(own_line() + "vars currentEpoch\n"), "line 2: a variable without a value");
  EXPECT_EQ(error_of(own_line() + "vars currentEpoch 4 lastVoteEpoch 9\n"), "lastVoteEpoch is greater than currentEpoch");
  EXPECT_EQ(error_of(std::string(100, '\0') + "\n").substr(0, 7), "line 1:");
}

// What a member saves it reads back, and would save again just so.
TEST(NodesConf, RoundTrip) {
  Loopback net(5);
  net.form(3);
  ASSERT_TRUE(net.node(3).replicate(net.id(0), net.now()));
  ASSERT_TRUE(net.node(4).replicate(net.id(1), net.now()));
  const std::vector<std::string> texts{"6000", "importing", net.id(1)};
  const std::vector<std::string_view> args(texts.begin(), texts.end());
  ASSERT_TRUE(net.node(0).set_slot(args, net.now()));
  net.run_for(milliseconds{3000});
  for (std::size_t i = 0; i < 5; ++i) {
    net.node(i).save_config(net.now());
    net.pump();
    const auto saved = net.host(i).saved;
    const auto state = parse_nodes_conf(saved);
    ASSERT_TRUE(state) << state.error().message() << "\n" << saved;
    FakeKeys keys;
    ClusterNode again(net.host(i).settings, *state, Random{1}, keys, net.now());
    EXPECT_EQ(again.id(), net.node(i).id());
    for (std::uint16_t s = 0; s < kSlotCount; ++s) {
      const auto owner = again.topology().owner({s});
      ASSERT_EQ(again.topology().node(owner).id,
                net.node(i).topology().node(net.node(i).topology().owner({s})).id);
    }
    EXPECT_EQ(again.topology().importing().size(), i == 0 ? 1u : 0u);
    EXPECT_EQ(again.current_epoch(), net.node(i).current_epoch());
  }
}

TEST(NodesConf, NoDamageCrashesOrLosesSlotsSilently) {
  const std::string good = own_line(" 0-5000 [9->-" + kC + "]") +
                           line(kB, "10.0.0.2:7001@17001,host.two slave " + kA + " 0 1795174621865 3 connected") +
                           line(kC, "10.0.0.3:7002@17002 master - 0 1795174621865 4 connected 5001-16383") +
                           "vars currentEpoch 6 lastVoteEpoch 5\n";
  ASSERT_TRUE(parse_nodes_conf(good));
  // Cut anywhere but at the end of a line it is refused.
  for (std::size_t length = 0; length < good.size(); ++length) {
    const auto state = parse_nodes_conf(good.substr(0, length));
    if (length == 0 || good[length - 1] != '\n') {
      EXPECT_FALSE(state) << length;
    }
  }
  Random random{77};
  for (int round = 0; round < 20000; ++round) {
    auto text = good;
    for (auto changes = 1 + random.below(3); changes-- > 0;) {
      text[random.below(text.size())] = static_cast<char>(random.next());
    }
    static_cast<void>(parse_nodes_conf(text));
  }
}

}  // namespace
}  // namespace skein
