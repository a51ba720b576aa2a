// The bus codec reads no byte too many, loses nothing it has decoded, and no packet leaves
// junk in a member, whoever it claims to be from.
#include <skein/base/checksums.h>
#include <skein/base/random.h>
#include <skein/cluster/bus/packet.h>

#include <array>
#include <vector>

#include "member.h"
#include "targets.h"

namespace skein::fuzz {

namespace {

// Where fields lie that every packet has.
constexpr std::size_t kLengthAt = 4;
constexpr std::size_t kSenderAt = 40;
constexpr std::size_t kMarkAt = 2216;
constexpr std::size_t kMarkBytes = 8;
constexpr std::size_t kLongest = 1UL << 20;

std::vector<GossipEntry> gossip_of(const Packet& packet) {
  std::vector<GossipEntry> entries;
  for (std::size_t i = 0; i < packet.gossip_count; ++i) entries.push_back(packet.gossip(i));
  return entries;
}

std::vector<ForgottenNode> forgotten_of(const Packet& packet) {
  std::vector<ForgottenNode> nodes;
  packet.for_each_forgotten([&](const ForgottenNode& node) { nodes.push_back(node); });
  return nodes;
}

std::vector<ShownSlot> open_slots_of(const Packet& packet) {
  std::vector<ShownSlot> open;
  packet.for_each_open_slot([&](const ShownSlot& slot) { open.push_back(slot); });
  return open;
}

// Nothing for a module's message, which Skein reads and never writes.
std::string encode_again(const Packet& packet) {
  if (const auto* fail = std::get_if<FailBody>(&packet.body)) return encode_fail(packet, fail->failed);
  if (const auto* update = std::get_if<UpdateBody>(&packet.body)) return encode_update(packet, *update);
  if (const auto* publish = std::get_if<PublishBody>(&packet.body)) return encode_publish(packet, *publish);
  if (std::holds_alternative<ModuleBody>(packet.body)) return {};
  if (packet.type > MessageType::kMeet) return encode_bare(packet);
  return encode_heartbeat(packet, gossip_of(packet), {packet.hostname, forgotten_of(packet), open_slots_of(packet)});
}

void check_same(const Packet& a, const Packet& b) {
  expect(a.type == b.type && a.sender == b.sender && a.replica_of == b.replica_of, "the same sender");
  expect(a.current_epoch == b.current_epoch && a.config_epoch == b.config_epoch, "the same epochs");
  expect(a.offset == b.offset && a.slots == b.slots && a.flags == b.flags, "the same state");
  expect(a.ip == b.ip && a.port == b.port && a.plain_port == b.plain_port && a.bus_port == b.bus_port,
         "the same address");
  expect(a.state_ok == b.state_ok && a.paused == b.paused && a.forced == b.forced &&
             a.understands_extensions == b.understands_extensions,
         "the same bits");
  expect(a.gossip_count == b.gossip_count && a.hostname == b.hostname, "the same news");
  for (std::size_t i = 0; i < a.gossip_count; ++i) {
    const auto one = a.gossip(i);
    const auto other = b.gossip(i);
    expect(one.id == other.id && one.ip == other.ip && one.port == other.port && one.bus_port == other.bus_port &&
               one.plain_port == other.plain_port && one.flags == other.flags &&
               one.ping_sent_seconds == other.ping_sent_seconds &&
               one.pong_received_seconds == other.pong_received_seconds,
           "the same gossip");
  }
  const auto one = forgotten_of(a);
  const auto other = forgotten_of(b);
  expect(one.size() == other.size(), "as many forgotten nodes");
  for (std::size_t i = 0; i < one.size(); ++i) {
    expect(one[i].id == other[i].id && one[i].ban_seconds == other[i].ban_seconds, "the same forgotten nodes");
  }
  expect(open_slots_of(a) == open_slots_of(b), "the same open slots");
}

void check_marked(const std::string& marked) {
  Random random(crc64(0, marked));
  for (int i = 0; i < 8; ++i) {
    std::string damaged = marked;
    const std::size_t bit = random.below(marked.size() * 8);
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    // Without the mark itself it is a packet of another implementation; a member that
    // has seen its sender mark packets knows better.
    const bool lost_mark = bit / 8 >= kMarkAt && bit / 8 < kMarkAt + 4;
    expect(lost_mark || std::holds_alternative<PacketFault>(decode_packet(damaged)), "a damaged packet is refused");
  }
}

void check_codec(std::string_view bytes) {
  const auto frame = judge_frame(bytes);
  if (frame.kind == Frame::Kind::kComplete) expect(frame.bytes <= bytes.size(), "a frame ends where bytes are");
  if (frame.kind == Frame::Kind::kNeedMore) expect(frame.bytes > bytes.size(), "more is asked for than there is");
  const auto decoded = decode_packet(bytes);
  const auto* packet = std::get_if<Packet>(&decoded);
  if (packet == nullptr) {
    expect(!packet_fault_name(std::get<PacketFault>(decoded)).empty(), "a fault has a name");
    return;
  }
  expect(frame.kind == Frame::Kind::kComplete && frame.bytes == bytes.size(), "a packet is a whole frame");
  const std::string encoded = encode_again(*packet);
  if (encoded.empty()) return;
  const ExactBytes exact(encoded);
  const auto second = decode_packet(exact.view());
  const auto* again = std::get_if<Packet>(&second);
  expect(again != nullptr && again->marked, "what is decoded can be sent on");
  check_same(*packet, *again);
  expect(encode_again(*again) == encoded, "and is the same then");
  check_marked(encoded);
}

// The form in which changed fields get past lengths and checksum.
std::string repaired(std::string_view bytes, std::string_view sender, bool mark) {
  std::string packet(bytes.substr(0, kLongest));
  if (packet.size() < kHeaderBytes) packet.resize(kHeaderBytes);
  packet.replace(0, 4, "RCmb");
  for (std::size_t i = 0; i < 4; ++i) packet[kLengthAt + i] = static_cast<char>(packet.size() >> (24 - 8 * i));
  if (!sender.empty()) packet.replace(kSenderAt, sender.size(), sender);
  packet.replace(kMarkAt, kMarkBytes, kMarkBytes, '\0');
  if (mark) {
    packet.replace(kMarkAt, 4, "SkCR");
    const std::uint32_t sum = crc32c(0, packet);
    for (std::size_t i = 0; i < 4; ++i) packet[kMarkAt + 4 + i] = static_cast<char>(sum >> (24 - 8 * i));
  }
  return packet;
}

// What a packet that is refused, or of a stranger, may change: nothing. Only a MEET makes
// the member ask back, and only a stranger on a link it has opened itself shows that
// somebody else listens there now.
void receive(Member& member, LinkId link, std::string_view bytes) {
  const ExactBytes exact(bytes);
  const auto decoded = decode_packet(exact.view());
  const auto* packet = std::get_if<Packet>(&decoded);
  const Topology before = member.node().topology();
  const Epoch epoch = member.node().current_epoch();
  const auto refused = member.node().refused_packets();
  member.receive(link, exact.view());
  const Topology& after = member.node().topology();
  if (packet == nullptr) {
    expect(member.node().refused_packets() == refused + 1, "a refused packet is counted");
    expect(after.revision() == before.revision(), "a refused packet changes nothing");
    expect(!member.carry_out(), "and has no consequence");
    return;
  }
  const bool known = !before.find(packet->sender).is_none();
  if (!known) {
    expect(after.slots_revision() == before.slots_revision(), "a stranger owns nothing");
    expect(member.node().current_epoch() == epoch, "and is not believed its epochs");
    if (link.is_inbound() && packet->type != MessageType::kMeet) {
      expect(after.revision() == before.revision(), "nothing is learned from a stranger");
    }
  }
  member.carry_out();
  expect(member.node().current_epoch() >= epoch, "an epoch never goes back");
}

void check_member(std::string_view bytes) {
  static const SavedState kSaved = *parse_nodes_conf(kClusterOfThree);
  Member member(kSaved);
  member.tick();
  const LinkId inbound = LinkId::inbound(1);
  const auto from_stranger = repaired(bytes, kUnknownId, false);
  const auto from_known = repaired(bytes, kKnownId, true);
  receive(member, inbound, bytes);
  receive(member, inbound, repaired(bytes, {}, false));
  receive(member, inbound, from_stranger);
  receive(member, inbound, from_known);
  // Its link may be closed by any of these, for the node may seem to have moved.
  receive(member, member.link_to_known(), bytes);
  receive(member, member.link_to_known(), from_known);
  receive(member, member.link_to_known(), from_stranger);
  member.tick();
  member.tick();
  member.check_views();
  (void)member.saved_text();
}

}  // namespace

void fuzz_bus(Input input) {
  const ExactBytes bytes(text_of(input).substr(0, kLongest));
  check_codec(bytes.view());
  check_codec(ExactBytes(repaired(bytes.view(), {}, false)).view());
  check_member(bytes.view());
}

}  // namespace skein::fuzz
