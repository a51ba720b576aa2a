// What CLUSTER SLOTS, SHARDS, LINKS and INFO tell, as data: replies are rendered from it
// by the commands.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <skein/base/ids.h>
#include <skein/base/time.h>
#include <skein/cluster/bus/message_type.h>
#include <skein/cluster/node/effects.h>

namespace skein {

// One node as CLUSTER SLOTS lists it.
struct SlotsNode {
  std::optional<std::string> endpoint;  // nothing: the client keeps the host it used
  std::uint16_t port = 0;
  NodeId id;
  // What the endpoint left out: "ip" and "hostname" pairs, in redis's order.
  std::vector<std::pair<std::string, std::string>> metadata;
};

struct SlotsEntry {
  Slot first;
  Slot last;
  std::vector<SlotsNode> nodes;  // the primary, then replicas that have not failed
};

enum class ShardHealth : std::uint8_t { kOnline, kFailed, kLoading };

struct ShardNode {
  NodeId id;
  std::uint16_t port = 0;      // 0: not shown
  std::uint16_t tls_port = 0;  // 0: not shown
  std::string ip;
  std::optional<std::string> endpoint;  // nothing: NULL
  std::string hostname;                 // empty: not shown
  bool is_primary = false;
  ReplOffset offset;
  ShardHealth health = ShardHealth::kOnline;
};

struct Shard {
  std::vector<std::pair<Slot, Slot>> ranges;
  std::vector<ShardNode> nodes;
};

// What the node knows about a link; buffer sizes are the owner's to add.
struct LinkView {
  LinkId link;
  bool to_node = false;  // else from
  NodeId node;
  UnixMillis created;
  bool connected = false;
};

struct MessageCounts {
  std::array<std::uint64_t, kMessageTypes> sent{};
  std::array<std::uint64_t, kMessageTypes> received{};
};

struct ClusterInfo {
  ClusterState state = ClusterState::kFail;
  std::size_t slots_assigned = 0;
  std::size_t slots_ok = 0;
  std::size_t slots_pfail = 0;
  std::size_t slots_fail = 0;
  std::size_t known_nodes = 0;
  std::size_t size = 0;
  Epoch current_epoch;
  Epoch my_epoch;
  MessageCounts messages;
};

}  // namespace skein
