// Packets to bytes for a link.
#include <algorithm>

#include <skein/base/assert.h>
#include <skein/base/checksums.h>
#include <skein/cluster/bus/packet.h>

#include "wire_format.h"

namespace skein {

namespace {

template <typename T>
T& writable(std::string& bytes, std::size_t at = 0) {
  return *reinterpret_cast<T*>(bytes.data() + at);
}

template <typename T>
void append(std::string& bytes, const T& part) {
  bytes.append(reinterpret_cast<const char*>(&part), sizeof(part));
}

std::string begin_packet(const PacketHeader& from, std::size_t body_bytes) {
  std::string bytes;
  bytes.reserve(kHeaderBytes + body_bytes);
  bytes.resize(kHeaderBytes);
  auto& header = writable<wire::Header>(bytes);
  wire::set_text(header.signature, wire::kSignature);
  wire::set_number(header.version, wire::kVersion);
  wire::set_number(header.type, static_cast<std::uint16_t>(from.type));
  wire::set_number(header.port, from.port);
  wire::set_number(header.plain_port, from.plain_port);
  wire::set_number(header.bus_port, from.bus_port);
  wire::set_number(header.current_epoch, from.current_epoch.value);
  wire::set_number(header.config_epoch, from.config_epoch.value);
  wire::set_number(header.offset, static_cast<std::uint64_t>(from.offset.value));
  wire::set_text(header.sender, from.sender.view());
  SKEIN_ASSERT(from.slots.size() == SlotBitmap::kBytes || from.slots.empty());
  wire::set_text(header.slots, from.slots);
  if (!from.replica_of.is_none()) wire::set_text(header.replica_of, from.replica_of.view());
  SKEIN_ASSERT(from.ip.size() < header.ip.size());
  wire::set_text(header.ip, from.ip);
  wire::set_number(header.flags, from.flags.wire());
  wire::set_number(header.state, from.state_ok ? 0 : 1);
  unsigned flags = 0;
  if (from.paused) flags |= wire::kPaused;
  if (from.forced) flags |= wire::kForceAck;
  if (from.understands_extensions) flags |= wire::kExtensionData;
  header.message_flags[0] = static_cast<char>(flags);
  return bytes;
}

std::string finish_packet(std::string bytes, bool mark) {
  auto& header = writable<wire::Header>(bytes);
  wire::set_number(header.total_length, bytes.size());
  if (mark) {
    wire::set_text(header.mark, wire::kSkeinMark);
    wire::set_number(header.checksum, crc32c(0, bytes));  // over zeros in its own place
  }
  return bytes;
}

void append_gossip(std::string& bytes, const GossipEntry& from) {
  wire::Gossip entry{};
  wire::set_text(entry.id, from.id.view());
  wire::set_number(entry.ping_sent, from.ping_sent_seconds);
  wire::set_number(entry.pong_received, from.pong_received_seconds);
  SKEIN_ASSERT(from.ip.size() < entry.ip.size());
  wire::set_text(entry.ip, from.ip);
  wire::set_number(entry.port, from.port);
  wire::set_number(entry.bus_port, from.bus_port);
  wire::set_number(entry.flags, from.flags.wire());
  wire::set_number(entry.plain_port, from.plain_port);
  append(bytes, entry);
}

// Room for the value is filled up with zeros to a multiple of eight.
void append_extension(std::string& bytes, wire::Extension type, std::string_view value) {
  const std::size_t padded = (value.size() + 7) / 8 * 8;
  wire::ExtensionHead head{};
  wire::set_number(head.length, sizeof(head) + padded);
  wire::set_number(head.type, static_cast<std::uint16_t>(type));
  append(bytes, head);
  bytes.append(value);
  bytes.append(padded - value.size(), '\0');
}

// One extension for each run of slots with the same other end.
std::size_t append_open_slots(std::string& bytes, std::span<const ShownSlot> open) {
  std::size_t count = 0;
  while (!open.empty()) {
    const ShownSlot& first = open.front();
    const auto end = std::find_if(open.begin(), open.end(), [&](const ShownSlot& slot) {
      return slot.arrives != first.arrives || slot.other != first.other;
    });
    const auto run = static_cast<std::size_t>(end - open.begin());
    wire::OpenSlots head{};
    wire::set_text(head.other, first.other.view());
    wire::set_number(head.arrives, first.arrives ? 1 : 0);
    wire::set_number(head.count, run);
    std::string value(reinterpret_cast<const char*>(&head), sizeof(head));
    for (const ShownSlot& shown : open.first(run)) {
      wire::Bytes<2> slot{};
      wire::set_number(slot, shown.slot.value);
      value.append(slot.data(), slot.size());
    }
    append_extension(bytes, wire::Extension::kOpenSlots, value);
    open = open.subspan(run);
    ++count;
  }
  return count;
}

std::size_t append_extensions(std::string& bytes, const Extensions& extensions) {
  std::size_t count = 0;
  if (!extensions.hostname.empty()) {
    std::string terminated(extensions.hostname);
    terminated += '\0';
    append_extension(bytes, wire::Extension::kHostname, terminated);
    ++count;
  }
  for (const auto& node : extensions.forgotten) {
    wire::Forgotten value{};
    wire::set_text(value.id, node.id.view());
    wire::set_number(value.ban_seconds, node.ban_seconds);
    append_extension(bytes, wire::Extension::kForgotten, {reinterpret_cast<const char*>(&value), sizeof(value)});
    ++count;
  }
  return count + append_open_slots(bytes, extensions.open_slots);
}

}  // namespace

std::string encode_heartbeat(const PacketHeader& header, std::span<const GossipEntry> gossip,
                             const Extensions& extensions, bool mark) {
  SKEIN_ASSERT(gossip.size() <= 0xffff);
  auto bytes = begin_packet(header, gossip.size() * kGossipBytes + 64);
  for (const auto& entry : gossip) append_gossip(bytes, entry);
  const std::size_t count = append_extensions(bytes, extensions);
  auto& wire_header = writable<wire::Header>(bytes);
  wire::set_number(wire_header.count, gossip.size());
  wire::set_number(wire_header.extensions, count);
  return finish_packet(std::move(bytes), mark);
}

std::string encode_bare(const PacketHeader& header, bool mark) {
  return finish_packet(begin_packet(header, 0), mark);
}

std::string encode_fail(const PacketHeader& header, const NodeId& failed, bool mark) {
  auto bytes = begin_packet(header, NodeId::kSize);
  bytes += failed.view();
  return finish_packet(std::move(bytes), mark);
}

std::string encode_update(const PacketHeader& header, const UpdateBody& update, bool mark) {
  auto bytes = begin_packet(header, sizeof(wire::Update));
  wire::Update body{};
  wire::set_number(body.config_epoch, update.config_epoch.value);
  wire::set_text(body.node, update.node.view());
  SKEIN_ASSERT(update.slots.size() == SlotBitmap::kBytes);
  wire::set_text(body.slots, update.slots);
  append(bytes, body);
  return finish_packet(std::move(bytes), mark);
}

std::string encode_publish(const PacketHeader& header, const PublishBody& publish, bool mark) {
  wire::PublishHead head{};
  wire::set_number(head.channel_length, publish.channel.size());
  wire::set_number(head.message_length, publish.message.size());
  auto bytes = begin_packet(header, sizeof(head) + publish.channel.size() + publish.message.size());
  append(bytes, head);
  bytes += publish.channel;
  bytes += publish.message;
  return finish_packet(std::move(bytes), mark);
}

}  // namespace skein
