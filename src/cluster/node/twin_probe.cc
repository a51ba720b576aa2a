#include <skein/cluster/node/twin_probe.h>

#include <algorithm>

#include <skein/cluster/bus/packet.h>

namespace skein {

std::optional<NodeAddress> choose_twin_address(const SavedState& saved, const NodeSettings& settings,
                                               std::span<const std::string> own_ips) {
  NodeAddress there = saved.topology.self().address;
  if (there.bus_port == 0) return std::nullopt;
  const bool is_own_ip = there.ip.empty() || there.ip == settings.announce_ip ||
                         std::find(own_ips.begin(), own_ips.end(), there.ip) != own_ips.end();
  if (is_own_ip && there.bus_port == settings.announced_ports().bus_port) return std::nullopt;
  if (there.ip.empty()) {
    // A member that never met another knows its ports alone: its twin is on this machine.
    if (own_ips.empty()) return std::nullopt;
    there.ip = own_ips.front();
  }
  return there;
}

std::string encode_ping_of_nobody(Random& random, const NodeSettings& settings) {
  const NodeAddress ports = settings.announced_ports();
  PacketHeader header;
  header.type = MessageType::kPing;
  header.sender = *NodeId::parse(random.hex(NodeId::kSize));
  header.port = ports.port;
  header.plain_port = ports.plain_port;
  header.bus_port = ports.bus_port;
  header.flags = NodeFlag::kPrimary | NodeFlag::kMyself;
  return encode_heartbeat(header, {}, {}, settings.mark_packets);
}

TwinVerdict judge_twin_answer(std::string_view bytes, const NodeId& own_id) {
  const auto decoded = decode_packet(bytes);
  const auto* packet = std::get_if<Packet>(&decoded);
  if (packet == nullptr || packet->type != MessageType::kPong) return TwinVerdict::kNotAMember;
  return packet->sender == own_id ? TwinVerdict::kOwnIdAnswers : TwinVerdict::kAnotherAnswers;
}

}  // namespace skein
