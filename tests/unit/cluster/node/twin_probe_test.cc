#include <skein/cluster/node/twin_probe.h>

#include <gtest/gtest.h>

#include "loopback.h"

namespace skein {
namespace {

SavedState saved_at(const std::string& address) {
  auto state = parse_nodes_conf(std::string(40, 'a') + " " + address + " myself,master - 0 0 0 connected\n");
  EXPECT_TRUE(state);
  return *state;
}

TEST(TwinProbe, AsksOnlyWhereItDoesNotLiveItself) {
  NodeSettings settings;
  settings.port = 7006;
  const std::vector<std::string> own{"127.0.0.1", "10.0.0.5"};
  EXPECT_FALSE(choose_twin_address(saved_at("10.0.0.5:7006@17006"), settings, own));
  EXPECT_FALSE(choose_twin_address(saved_at(":7006@17006"), settings, own));
  EXPECT_FALSE(choose_twin_address(saved_at(":0@0"), settings, own));
  const auto copied = choose_twin_address(saved_at("10.0.0.5:7005@17005"), settings, own);
  ASSERT_TRUE(copied);
  EXPECT_EQ(copied->bus_port, 17005);
  EXPECT_EQ(choose_twin_address(saved_at("10.0.0.9:7006@17006"), settings, own)->ip, "10.0.0.9");
  EXPECT_EQ(choose_twin_address(saved_at(":7005@17005"), settings, own)->ip, "127.0.0.1");
  settings.announce_ip = "10.0.0.9";
  EXPECT_FALSE(choose_twin_address(saved_at("10.0.0.9:7006@17006"), settings, own)) << "announced, and kept";
}

TEST(TwinProbe, AMemberAnswersWithItsId) {
  Loopback net(1);
  Random random{4};
  const auto question = encode_ping_of_nobody(random, NodeSettings{});
  net.node(0).on_packet({LinkId::inbound(1), "127.0.0.1", "127.0.0.1"}, question, net.now());
  std::string answer;
  for (const auto& effect : net.node(0).take_effects()) {
    if (const auto* packet = std::get_if<SendPacket>(&effect)) answer = *packet->bytes;
  }
  EXPECT_EQ(judge_twin_answer(answer, net.node(0).id()), TwinVerdict::kOwnIdAnswers);
  EXPECT_EQ(judge_twin_answer(answer, *NodeId::parse(std::string(40, 'a'))), TwinVerdict::kAnotherAnswers);
  EXPECT_EQ(judge_twin_answer("HTTP/1.1 400 Bad Request", net.node(0).id()), TwinVerdict::kNotAMember);
  EXPECT_EQ(net.node(0).topology().node_count(), 1u) << "nothing was learned from the question";
}

}  // namespace
}  // namespace skein
