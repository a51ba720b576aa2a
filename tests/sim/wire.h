// The simulator's own reading of packets and of nodes.conf.
//
// What checks the cluster must not share the cluster's mistakes, so this knows the formats
// by itself: offsets and words as documented for Redis 7.0, nothing from the bus codec.
#pragma once

#include <skein/base/ids.h>
#include <skein/cluster/bus/message_type.h>
#include <skein/cluster/node/saved_state.h>
#include <skein/cluster/topology/slot_bitmap.h>
#include <skein/cluster/topology/topology.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace skein::sim {

// A packet that a member built itself, so its lengths are right.
class PacketView {
 public:
  explicit PacketView(std::string_view bytes) : bytes_(bytes) {}

  [[nodiscard]] MessageType type() const { return static_cast<MessageType>(number(12, 2)); }
  [[nodiscard]] Epoch current_epoch() const { return {number(16, 8)}; }
  [[nodiscard]] Epoch config_epoch() const { return {number(24, 8)}; }
  [[nodiscard]] std::string_view sender() const { return bytes_.substr(40, 40); }
  [[nodiscard]] NodeId sender_id() const { return NodeId::parse(sender()).value_or(NodeId{}); }
  [[nodiscard]] std::string_view slots() const { return bytes_.substr(80, 2048); }
  [[nodiscard]] bool is_from_primary() const { return (number(2250, 2) & 1) != 0; }
  // Of an AUTH_REQUEST: an operator wants it although the primary is up.
  [[nodiscard]] bool is_forced() const { return (number(2253, 1) & 2) != 0; }
  [[nodiscard]] bool is_heartbeat() const { return type() <= MessageType::kMeet; }

  struct Gossip {
    std::string_view id;
    bool says_failed = false;
  };
  [[nodiscard]] std::size_t gossip_count() const { return is_heartbeat() ? number(14, 2) : 0; }
  [[nodiscard]] Gossip gossip(std::size_t index) const {
    const std::size_t at = 2256 + index * 104;
    return {bytes_.substr(at, 40), (number(at + 98, 2) & (4 | 8)) != 0};
  }

  // Of a FAIL, and of an UPDATE.
  [[nodiscard]] std::string_view failed() const { return bytes_.substr(2256, 40); }
  [[nodiscard]] Epoch update_epoch() const { return {number(2256, 8)}; }
  [[nodiscard]] std::string_view update_node() const { return bytes_.substr(2264, 40); }
  [[nodiscard]] std::string_view update_slots() const { return bytes_.substr(2304, 2048); }

 private:
  [[nodiscard]] std::uint64_t number(std::size_t at, std::size_t size) const {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8 | static_cast<std::uint8_t>(bytes_[at + i]);
    return value;
  }
  std::string_view bytes_;
};

// Whether every slot of `some` is in `all`; both are bitmaps.
[[nodiscard]] bool is_subset(std::string_view some, std::string_view all);

// What a member's file promises about itself.
struct ConfFacts {
  NodeId id;
  bool is_primary = false;
  Epoch config_epoch;
  Epoch current_epoch;
  Epoch last_vote_epoch;
  SlotBitmap slots;
};
[[nodiscard]] std::optional<ConfFacts> read_conf(std::string_view text);
// The same of a state whose text nobody has asked for.
[[nodiscard]] ConfFacts promised(const SavedState& state);

// A whole nodes.conf as redis 7.0 writes it.
[[nodiscard]] std::string write_conf(const Topology& topology, Epoch current_epoch, Epoch last_vote_epoch);

}  // namespace skein::sim
