#include "hostile_packets.h"

#include <skein/cluster/bus/packet.h>

#include <array>
#include <functional>
#include <string>
#include <utility>

namespace skein::sim {

namespace {

// Far above what a run reaches, and still a number that a cluster might.
constexpr std::uint64_t kGreatEpoch = 100000;

std::string all_slots() {
  return std::string(SlotBitmap::kBytes, '\xff');
}

PacketHeader boastful_header(const NodeId& sender, std::string_view slots) {
  PacketHeader header;
  header.sender = sender;
  header.current_epoch = {kGreatEpoch};
  header.config_epoch = {kGreatEpoch};
  header.slots = slots;
  header.port = 6379;
  header.bus_port = 16379;
  header.flags = NodeFlag::kPrimary;
  header.understands_extensions = true;
  return header;
}

void put(std::string& bytes, std::size_t at, std::string_view what) {
  bytes.replace(at, what.size(), what);
}

// Offsets of a header (2256 bytes). An entry of gossip that makes no sense costs that entry alone.
using Damage = void (*)(std::string&);
constexpr std::array<Damage, 12> kDamages = {
    [](std::string& b) { put(b, 8, std::string_view("\0\2", 2)); },    // protocol version
    [](std::string& b) { put(b, 12, std::string_view("\1\54", 2)); },  // type
    [](std::string& b) { put(b, 14, std::string_view("\0\2", 2)); },   // one entry too many counted
    [](std::string& b) { put(b, 12, std::string_view("\0\7", 2)); },   // an UPDATE of that length
    [](std::string& b) { put(b, 16, std::string_view("\x10", 1)); },   // an epoch beyond reason
    [](std::string& b) { put(b, 24, std::string_view("\x10", 1)); },
    [](std::string& b) { put(b, 40, "G"); },                                        // sender's id
    [](std::string& b) { put(b, 2128, "nonsense"); },                               // its primary's
    [](std::string& b) { put(b, 2168, std::string_view("999.1.2.3", 10)); },        // its address
    [](std::string& b) { put(b, 2248, std::string_view("\0\0", 2)); },              // no bus port
    [](std::string& b) { put(b, 2250, std::string_view("\0\3", 2)); },              // both roles
    [](std::string& b) { put(b, 2252, "\7"); },                                     // cluster state
};

}  // namespace

std::vector<PacketBytes> strange_packets(const NodeId& stranger, const ClusterNode* member, Random& random) {
  const auto slots = all_slots();
  const auto header = boastful_header(stranger, slots);
  const auto junk = random.hex(NodeId::kSize);
  const GossipEntry entry{*NodeId::parse(junk), 0, 0, "192.0.2.9", 6379, 16379, 0, NodeFlag::kPrimary};
  std::vector<std::string> packets;
  const auto of_type = [&](MessageType type) {
    auto typed = header;
    typed.type = type;
    return typed;
  };
  packets.push_back(encode_heartbeat(of_type(MessageType::kPing), {&entry, 1}, {}, random.one_in(2)));
  packets.push_back(encode_heartbeat(of_type(MessageType::kPong), {&entry, 1}, {}, random.one_in(2)));
  packets.push_back(encode_bare(of_type(MessageType::kAuthRequest)));
  packets.push_back(encode_bare(of_type(MessageType::kAuthAck)));
  packets.push_back(encode_bare(of_type(MessageType::kMfStart)));
  if (member != nullptr) {
    packets.push_back(encode_fail(of_type(MessageType::kFail), member->id()));
    packets.push_back(encode_update(of_type(MessageType::kUpdate), {member->id(), {kGreatEpoch}, slots}));
  }
  std::vector<PacketBytes> shared;
  for (auto& packet : packets) shared.push_back(std::make_shared<const std::string>(std::move(packet)));
  return shared;
}

std::vector<PacketBytes> malformed_packets(const Host& sender, Random& random) {
  const auto slots = all_slots();
  auto header = boastful_header(sender.node().id(), slots);
  header.type = random.one_in(2) ? MessageType::kPing : MessageType::kPong;
  const std::string ip = sender.ip();
  header.ip = ip;  // so that the address itself is no news
  const GossipEntry entry{
      *NodeId::parse(random.hex(NodeId::kSize)), 0, 0, "10.0.0.1", 6379, 16379, 0, NodeFlag::kPrimary};
  const auto sound = encode_heartbeat(header, {&entry, 1}, {}, false);
  std::vector<PacketBytes> packets;
  for (const auto damage : kDamages) {
    auto bytes = sound;
    damage(bytes);
    packets.push_back(std::make_shared<const std::string>(std::move(bytes)));
  }
  return packets;
}

PacketBytes forged_forget(const Host& named, const NodeId& victim) {
  const Node& self = named.node().topology().self();
  const NodeIndex shown = self.primary.is_none() ? kSelf : self.primary;
  const SlotBitmap slots = named.node().topology().slots_of(shown);
  PacketHeader header;
  header.type = MessageType::kPing;
  header.sender = self.id;
  header.current_epoch = named.node().current_epoch();
  header.config_epoch = named.node().topology().node(shown).config_epoch;
  header.slots = slots.wire();
  if (shown != kSelf) header.replica_of = named.node().topology().node(shown).id;
  header.port = self.address.port;
  header.bus_port = self.address.bus_port;
  header.flags = self.flags;
  header.flags.clear(NodeFlag::kMyself);
  header.understands_extensions = true;
  const ForgottenNode forgotten{victim, 60};
  return std::make_shared<const std::string>(
      encode_heartbeat(header, {}, {.hostname = {}, .forgotten = {&forgotten, 1}, .open_slots = {}}));
}

}  // namespace skein::sim
