// Whom heartbeats tell the host name, and when a link counts as a member's.
#include <gtest/gtest.h>

#include <skein/cluster/bus/packet.h>

#include "loopback.h"

namespace skein {
namespace {

constexpr std::string_view kSaved =
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 127.0.0.1:7000@17000 myself,master - 0 0 1 connected\n"
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 127.0.0.1:7001@17001 master - 0 0 2 connected\n"
    "vars currentEpoch 2 lastVoteEpoch 0\n";
constexpr Now kNow{MonoTime{std::chrono::hours{1}}, UnixMillis{1700000000000}};
const LinkId kLink = LinkId::inbound(1);

// A member whose one peer is played by the test.
class Extensions : public testing::Test {
 protected:
  static NodeSettings settings() {
    NodeSettings settings;
    settings.port = 7000;
    settings.announce_hostname = "one.example";
    return settings;
  }

  // The host name in the answer to a ping of the peer.
  std::string answered_name(bool understands_extensions) {
    PacketHeader header;
    header.type = MessageType::kPing;
    header.sender = *NodeId::parse(std::string(NodeId::kSize, 'b'));
    header.port = 7001;
    header.bus_port = 17001;
    header.flags = NodeFlag::kPrimary;
    header.understands_extensions = understands_extensions;
    node_.on_packet({kLink, "127.0.0.1", "127.0.0.1"}, encode_heartbeat(header, {}, {}, false), kNow);
    std::optional<std::string> name;
    for (Effects effects = node_.take_effects(); !effects.empty(); effects = node_.take_effects()) {
      for (const auto& effect : effects) {
        if (const auto* save = std::get_if<SaveTopology>(&effect)) node_.on_saved(save->ticket, kNow);
        const auto* send = std::get_if<SendPacket>(&effect);
        if (send == nullptr || send->link != kLink) continue;
        const auto decoded = decode_packet(*send->bytes);
        const auto& packet = std::get<Packet>(decoded);
        EXPECT_TRUE(packet.understands_extensions);
        name = packet.hostname;
      }
    }
    EXPECT_TRUE(name.has_value()) << "no answer";
    return name.value_or("");
  }

  FakeKeys keys_;
  ClusterNode node_{settings(), parse_nodes_conf(kSaved).value(), Random{1}, keys_, kNow};
};

// A redis without a host name understands names and never says so.
TEST_F(Extensions, TheHostNameGoesToThoseWhoDoNotSayThatTheyUnderstandIt) {
  EXPECT_EQ(answered_name(false), "one.example");
  EXPECT_EQ(answered_name(true), "one.example");
}

TEST_F(Extensions, ALinkIsKnownOnceAMemberHasSpokenByIt) {
  EXPECT_FALSE(node_.knows_link(kLink));
  (void)answered_name(true);
  EXPECT_TRUE(node_.knows_link(kLink));
  node_.on_link_down(kLink, kNow);
  EXPECT_FALSE(node_.knows_link(kLink));
}

}  // namespace
}  // namespace skein
