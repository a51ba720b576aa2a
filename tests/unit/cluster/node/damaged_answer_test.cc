// An answer whose sender's name and checksum mark were both damaged on the way.
#include <gtest/gtest.h>

#include <skein/cluster/bus/packet.h>

#include "loopback.h"

namespace skein {
namespace {

TEST(DamagedAnswer, DoesNotTakeTheAddressOfAMember) {
  Loopback net(2);
  net.form(1);
  const auto before = net.node(0).nodes_text(net.now());
  PacketHeader header;
  header.type = MessageType::kPong;
  header.sender = *NodeId::parse(std::string(NodeId::kSize, 'e'));
  header.port = 7001;
  header.bus_port = 17001;
  header.flags = NodeFlag::kPrimary;
  ASSERT_EQ(net.host(0).outbound.size(), 1u);
  const LinkId link = net.host(0).outbound.begin()->first;
  net.node(0).on_packet({link, "127.0.0.1", "127.0.0.1"}, encode_heartbeat(header, {}, {}, false), net.now());
  EXPECT_EQ(net.node(0).nodes_text(net.now()), before);
  EXPECT_EQ(net.node(0).refused_packets(), 1u);
}

}  // namespace
}  // namespace skein
