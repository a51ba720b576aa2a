// Bytes from a link to a checked packet.
#include <algorithm>
#include <cstring>

#include <skein/base/assert.h>
#include <skein/base/checksums.h>
#include <skein/cluster/bus/packet.h>

#include "wire_format.h"

namespace skein {

namespace {

// A channel and a message are each at most what a client can send (proto-max-bulk-len), and
// a heartbeat at most its 65,535 entries with generous extensions.
constexpr std::uint64_t kMaxPublish = kHeaderBytes + (std::uint64_t{1} << 30);
constexpr std::uint64_t kMaxExtensions = 1u << 20;
constexpr std::uint64_t kMaxHeartbeat = kHeaderBytes + 65535 * kGossipBytes + kMaxExtensions;
constexpr std::size_t kFrameHead = 16;  // up to where the type is known

// An epoch grows by one with each election: a cluster that held one every microsecond since
// Redis exists would not be near.
constexpr std::uint64_t kMaxEpoch = std::uint64_t{1} << 56;

bool is_zeros(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == '\0'; });
}

// The text before the first NUL; nothing when there is none.
std::optional<std::string_view> terminated(std::string_view field) {
  const auto end = field.find('\0');
  if (end == std::string_view::npos) return std::nullopt;
  return field.substr(0, end);
}

// The text of such a field, empty where none is announced; nothing when no host is called so.
std::optional<std::string_view> parse_host(std::string_view field) {
  const auto host = terminated(field);
  if (!host || (!host->empty() && !is_host(*host))) return std::nullopt;
  return host;
}

bool is_checksum_right(std::string_view bytes, const wire::Header& header) {
  constexpr std::size_t kAt = offsetof(wire::Header, checksum);
  constexpr std::string_view kBlank{"\0\0\0\0", 4};
  std::uint32_t sum = crc32c(0, bytes.substr(0, kAt));
  sum = crc32c(sum, kBlank);
  sum = crc32c(sum, bytes.substr(kAt + kBlank.size()));
  return sum == wire::number(header.checksum);
}

std::optional<PacketFault> check_header(const wire::Header& wire_header, Packet& packet) {
  const auto sender = NodeId::parse(wire::text(wire_header.sender));
  if (!sender || sender->is_none()) return PacketFault::kSender;
  packet.sender = *sender;

  packet.current_epoch = {wire::number(wire_header.current_epoch)};
  packet.config_epoch = {wire::number(wire_header.config_epoch)};
  if (packet.current_epoch.value > kMaxEpoch || packet.config_epoch.value > kMaxEpoch) return PacketFault::kEpoch;
  const std::uint64_t offset = wire::number(wire_header.offset);
  if (offset >> 63 != 0) return PacketFault::kEpoch;
  packet.offset = {static_cast<std::int64_t>(offset)};

  packet.flags = NodeFlags::from_wire(static_cast<std::uint16_t>(wire::number(wire_header.flags)));
  if (packet.flags.has(NodeFlag::kPrimary) == packet.flags.has(NodeFlag::kReplica)) return PacketFault::kRole;
  const auto replica_of = wire::text(wire_header.replica_of);
  if (!is_zeros(replica_of)) {
    const auto primary = NodeId::parse(replica_of);
    if (!primary || !packet.flags.has(NodeFlag::kReplica) || *primary == packet.sender) return PacketFault::kRole;
    packet.replica_of = *primary;
  }

  const auto host = parse_host(wire::text(wire_header.ip));
  packet.port = static_cast<std::uint16_t>(wire::number(wire_header.port));
  packet.plain_port = static_cast<std::uint16_t>(wire::number(wire_header.plain_port));
  packet.bus_port = static_cast<std::uint16_t>(wire::number(wire_header.bus_port));
  if (!host || packet.bus_port == 0) return PacketFault::kAddress;
  packet.ip = *host;

  const std::uint64_t state = wire::number(wire_header.state);
  if (state > 1) return PacketFault::kState;
  packet.state_ok = state == 0;
  const auto flags = static_cast<std::uint8_t>(wire_header.message_flags[0]);
  packet.paused = (flags & wire::kPaused) != 0;
  packet.forced = (flags & wire::kForceAck) != 0;
  packet.understands_extensions = (flags & wire::kExtensionData) != 0;
  packet.slots = wire::text(wire_header.slots);
  return std::nullopt;
}

bool are_open_slots_sound(std::string_view value) {
  if (value.size() < sizeof(wire::OpenSlots)) return false;
  const auto& head = wire::view<wire::OpenSlots>(value);
  const std::uint64_t bytes = wire::number(head.count) * sizeof(wire::Bytes<2>);
  value.remove_prefix(sizeof(head));
  if (bytes > value.size() || value.size() - bytes >= 8) return false;
  if (!NodeId::parse(wire::text(head.other)) || wire::number(head.arrives) > 1) return false;
  for (value = value.substr(0, bytes); !value.empty(); value.remove_prefix(2)) {
    if (wire::number(wire::view<wire::Bytes<2>>(value)) >= kSlotCount) return false;
  }
  return true;
}

// `open_slots` counts those of all extensions of the packet.
bool check_extension(std::uint64_t type, std::string_view value, Packet& packet, std::uint64_t& open_slots) {
  if (type == static_cast<std::uint16_t>(wire::Extension::kHostname)) {
    const auto name = terminated(value);
    if (!name || !is_hostname(*name)) return false;
    packet.hostname = *name;
  } else if (type == static_cast<std::uint16_t>(wire::Extension::kForgotten)) {
    if (value.size() != sizeof(wire::Forgotten)) return false;
    return NodeId::parse(wire::text(wire::view<wire::Forgotten>(value).id)).has_value();
  } else if (type == static_cast<std::uint16_t>(wire::Extension::kOpenSlots)) {
    if (!are_open_slots_sound(value)) return false;
    open_slots += wire::number(wire::view<wire::OpenSlots>(value).count);
    return open_slots <= kSlotCount;  // each is on its way once
  }
  return true;  // an extension of a later version
}

std::optional<PacketFault> check_heartbeat(std::string_view body, std::size_t extensions, Packet& packet) {
  const std::size_t gossip_bytes = packet.gossip_count * kGossipBytes;
  if (body.size() < gossip_bytes) return PacketFault::kLength;
  packet.gossip_bytes = body.substr(0, gossip_bytes);
  packet.extension_bytes = body.substr(gossip_bytes);

  std::string_view rest = packet.extension_bytes;
  std::uint64_t open_slots = 0;
  for (std::size_t i = 0; i < extensions; ++i) {
    if (rest.size() < sizeof(wire::ExtensionHead)) return PacketFault::kLength;
    const auto& head = wire::view<wire::ExtensionHead>(rest);
    const std::uint64_t length = wire::number(head.length);
    if (length < sizeof(head) || length % 8 != 0 || length > rest.size()) return PacketFault::kLength;
    const auto value = rest.substr(sizeof(head), length - sizeof(head));
    if (!check_extension(wire::number(head.type), value, packet, open_slots)) return PacketFault::kExtension;
    rest.remove_prefix(length);
  }
  if (!rest.empty()) return PacketFault::kLength;
  return std::nullopt;
}

std::optional<PacketFault> check_publish(std::string_view body, Packet& packet) {
  if (body.size() < sizeof(wire::PublishHead)) return PacketFault::kLength;
  const auto& head = wire::view<wire::PublishHead>(body);
  const std::uint64_t channel = wire::number(head.channel_length);
  const std::uint64_t message = wire::number(head.message_length);
  body.remove_prefix(sizeof(head));
  if (channel + message != body.size()) return PacketFault::kLength;
  packet.body = PublishBody{body.substr(0, channel), body.substr(channel)};
  return std::nullopt;
}

std::optional<PacketFault> check_update(std::string_view body, Packet& packet) {
  if (body.size() != sizeof(wire::Update)) return PacketFault::kLength;
  const auto& update = wire::view<wire::Update>(body);
  const auto node = NodeId::parse(wire::text(update.node));
  const std::uint64_t epoch = wire::number(update.config_epoch);
  if (!node) return PacketFault::kBody;
  if (epoch > kMaxEpoch) return PacketFault::kEpoch;
  packet.body = UpdateBody{*node, {epoch}, wire::text(update.slots)};
  return std::nullopt;
}

std::optional<PacketFault> check_module(std::string_view body, Packet& packet) {
  if (body.size() < sizeof(wire::ModuleHead)) return PacketFault::kLength;
  const auto& head = wire::view<wire::ModuleHead>(body);
  const auto payload = body.substr(sizeof(head));
  if (wire::number(head.length) != payload.size()) return PacketFault::kLength;
  packet.body = ModuleBody{wire::number(head.module), static_cast<std::uint8_t>(head.type[0]), payload};
  return std::nullopt;
}

std::optional<PacketFault> check_body(std::string_view body, std::size_t extensions, Packet& packet) {
  switch (packet.type) {
    case MessageType::kPing:
    case MessageType::kPong:
    case MessageType::kMeet: return check_heartbeat(body, extensions, packet);
    case MessageType::kFail: {
      if (body.size() != NodeId::kSize) return PacketFault::kLength;
      const auto failed = NodeId::parse(body);
      if (!failed) return PacketFault::kBody;
      packet.body = FailBody{*failed};
      return std::nullopt;
    }
    case MessageType::kPublish:
    case MessageType::kPublishShard: return check_publish(body, packet);
    case MessageType::kUpdate: return check_update(body, packet);
    case MessageType::kModule: return check_module(body, packet);
    case MessageType::kAuthRequest:
    case MessageType::kAuthAck:
    case MessageType::kMfStart:
      if (!body.empty()) return PacketFault::kLength;
      return std::nullopt;
  }
  return PacketFault::kType;
}

bool is_message_type(std::uint64_t type) {
  return type == static_cast<std::uint16_t>(MessageType::kPublish) ||
         type == static_cast<std::uint16_t>(MessageType::kPublishShard) ||
         type == static_cast<std::uint16_t>(MessageType::kModule);
}

// Whether a packet of this type and number of gossip entries can be as long as it says. One of a type
// nobody knows is no use however long it is.
bool has_length_of_type(std::uint64_t type, std::uint64_t length, std::uint64_t gossip_count) {
  if (type >= kMessageTypes) return false;
  const std::uint64_t body = length - kHeaderBytes;
  switch (static_cast<MessageType>(type)) {
    case MessageType::kPing:
    case MessageType::kPong:
    case MessageType::kMeet:
      return body >= gossip_count * kGossipBytes && body <= gossip_count * kGossipBytes + kMaxExtensions;
    case MessageType::kFail: return body == NodeId::kSize;
    case MessageType::kUpdate: return body == sizeof(wire::Update);
    case MessageType::kAuthRequest:
    case MessageType::kAuthAck:
    case MessageType::kMfStart: return body == 0;
    case MessageType::kPublish:
    case MessageType::kPublishShard: return body >= sizeof(wire::PublishHead);
    case MessageType::kModule: return body >= sizeof(wire::ModuleHead);
  }
  return false;
}

}  // namespace

Frame judge_frame(std::string_view received, FrameSender sender) {
  using Kind = Frame::Kind;
  const auto head = received.substr(0, wire::kSignature.size());
  if (head != wire::kSignature.substr(0, head.size())) return {Kind::kBroken, 0};
  if (received.size() < kFrameHead) return {Kind::kNeedMore, kFrameHead};
  wire::Bytes<4> length_bytes;
  wire::Bytes<2> type_bytes;
  wire::Bytes<2> count_bytes;
  std::memcpy(length_bytes.data(), received.data() + offsetof(wire::Header, total_length), 4);
  std::memcpy(type_bytes.data(), received.data() + offsetof(wire::Header, type), 2);
  std::memcpy(count_bytes.data(), received.data() + offsetof(wire::Header, count), 2);
  const std::uint64_t length = wire::number(length_bytes);
  const std::uint64_t type = wire::number(type_bytes);
  const bool is_message = is_message_type(type);
  if (length < kHeaderBytes || length > (is_message ? kMaxPublish : kMaxHeartbeat)) return {Kind::kBroken, 0};
  if (sender == FrameSender::kStranger) {
    if (length > kMaxStrangersPacket) return {Kind::kTooLarge, length};
    if (is_message) return {Kind::kSkip, length};
  }
  if (!has_length_of_type(type, length, wire::number(count_bytes))) return {Kind::kSkip, length};
  if (received.size() < length) return {Kind::kNeedMore, length};
  return {Kind::kComplete, length};
}

std::variant<Packet, PacketFault> decode_packet(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes) return PacketFault::kShort;
  const auto& header = wire::view<wire::Header>(bytes);
  if (wire::text(header.signature) != wire::kSignature) return PacketFault::kSignature;
  if (wire::number(header.total_length) != bytes.size()) return PacketFault::kShort;
  if (wire::number(header.version) != wire::kVersion) return PacketFault::kVersion;
  const std::uint64_t type = wire::number(header.type);
  if (type >= kMessageTypes) return PacketFault::kType;

  Packet packet;
  packet.type = static_cast<MessageType>(type);
  packet.marked = wire::text(header.mark) == wire::kSkeinMark;
  if (packet.marked && !is_checksum_right(bytes, header)) return PacketFault::kChecksum;
  if (const auto fault = check_header(header, packet)) return *fault;
  if (is_heartbeat(packet.type)) packet.gossip_count = wire::number(header.count);
  // Without the flag there are none, whatever the number says.
  const std::size_t extensions = packet.understands_extensions ? wire::number(header.extensions) : 0;
  if (const auto fault = check_body(bytes.substr(kHeaderBytes), extensions, packet)) return *fault;
  return packet;
}

NodeId sender_of(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes) return {};
  return NodeId::parse(wire::text(wire::view<wire::Header>(bytes).sender)).value_or(NodeId{});
}

GossipEntry Packet::gossip(std::size_t index) const {
  SKEIN_ASSERT(index < gossip_count);
  const auto& entry = wire::view<wire::Gossip>(gossip_bytes.substr(index * kGossipBytes));
  const auto u16 = [](const auto& field) { return static_cast<std::uint16_t>(wire::number(field)); };
  GossipEntry result;
  result.id = NodeId::parse(wire::text(entry.id)).value_or(NodeId{});
  result.ping_sent_seconds = static_cast<std::uint32_t>(wire::number(entry.ping_sent));
  result.pong_received_seconds = static_cast<std::uint32_t>(wire::number(entry.pong_received));
  result.ip = parse_host(wire::text(entry.ip)).value_or(std::string_view());
  result.port = u16(entry.port);
  result.bus_port = u16(entry.bus_port);
  result.plain_port = u16(entry.plain_port);
  result.flags = NodeFlags::from_wire(u16(entry.flags));
  return result;
}

std::optional<ForgottenNode> Packet::next_forgotten(std::size_t& at) const {
  while (at < extension_bytes.size()) {
    const auto rest = extension_bytes.substr(at);
    const auto& head = wire::view<wire::ExtensionHead>(rest);
    at += wire::number(head.length);
    if (wire::number(head.type) != static_cast<std::uint16_t>(wire::Extension::kForgotten)) continue;
    const auto& forgotten = wire::view<wire::Forgotten>(rest.substr(sizeof(head)));
    return ForgottenNode{*NodeId::parse(wire::text(forgotten.id)), wire::number(forgotten.ban_seconds)};
  }
  return std::nullopt;
}

std::optional<ShownSlot> Packet::next_open_slot(OpenSlotsCursor& at) const {
  while (at.slots.empty()) {
    if (at.extension >= extension_bytes.size()) return std::nullopt;
    const auto rest = extension_bytes.substr(at.extension);
    const auto& head = wire::view<wire::ExtensionHead>(rest);
    at.extension += wire::number(head.length);
    if (wire::number(head.type) != static_cast<std::uint16_t>(wire::Extension::kOpenSlots)) continue;
    const auto& open = wire::view<wire::OpenSlots>(rest.substr(sizeof(head)));
    at.shown.other = *NodeId::parse(wire::text(open.other));
    at.shown.arrives = wire::number(open.arrives) != 0;
    at.slots = rest.substr(sizeof(head) + sizeof(open), wire::number(open.count) * sizeof(wire::Bytes<2>));
  }
  at.shown.slot = Slot{static_cast<std::uint16_t>(wire::number(wire::view<wire::Bytes<2>>(at.slots)))};
  at.slots.remove_prefix(sizeof(wire::Bytes<2>));
  return at.shown;
}

std::string_view packet_fault_name(PacketFault fault) {
  switch (fault) {
    case PacketFault::kShort: return "wrong total length";
    case PacketFault::kSignature: return "wrong signature";
    case PacketFault::kVersion: return "unknown protocol version";
    case PacketFault::kType: return "unknown type";
    case PacketFault::kChecksum: return "wrong checksum";
    case PacketFault::kLength: return "length does not fit the contents";
    case PacketFault::kSender: return "malformed sender id";
    case PacketFault::kRole: return "contradictory role";
    case PacketFault::kAddress: return "malformed address";
    case PacketFault::kEpoch: return "impossible epoch or offset";
    case PacketFault::kState: return "unknown cluster state";
    case PacketFault::kExtension: return "malformed extension";
    case PacketFault::kBody: return "malformed body";
  }
  return "unknown";
}

std::string_view message_type_name(MessageType type) {
  switch (type) {
    case MessageType::kPing: return "ping";
    case MessageType::kPong: return "pong";
    case MessageType::kMeet: return "meet";
    case MessageType::kFail: return "fail";
    case MessageType::kPublish: return "publish";
    case MessageType::kAuthRequest: return "auth-req";
    case MessageType::kAuthAck: return "auth-ack";
    case MessageType::kUpdate: return "update";
    case MessageType::kMfStart: return "mfstart";
    case MessageType::kModule: return "module";
    case MessageType::kPublishShard: return "publishshard";
  }
  return "unknown";
}

bool is_hostname(std::string_view text) {
  return text.size() <= kMaxHostname && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.';
         });
}

}  // namespace skein
