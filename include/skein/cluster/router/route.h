// Whether a call with keys is served here, and where it belongs when not.
//
// A function of the slot map alone: it knows no keys, only how many of them are there, and
// asks that only of a slot that is moving. Most calls do not come here at all: a byte per
// slot, filled by `fill_served_slots`, says that everything about a slot is served at once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include <skein/base/ids.h>
#include <skein/cluster/topology/topology.h>

namespace skein {

// What the call and its client say. Calls without keys are not routed.
struct RouteQuery {
  Slot slot;                    // of the first key
  bool crosses_slots = false;   // another key hashes elsewhere
  bool several_keys = false;    // at least two different ones
  bool writes = false;
  bool asking = false;          // the client said ASKING, or the command always does
  bool readonly = false;        // the client said READONLY
  bool shard_channels = false;  // the keys are channels of a shard
  bool moves_slot = false;      // MIGRATE: works on an open slot as it is
};

// What this node knows besides the map.
struct RouteFacts {
  bool cluster_ok = false;
  bool allow_reads_when_down = false;
  bool allow_shard_channels_when_down = true;
};

struct KeyPresence {
  std::size_t present = 0;
  std::size_t missing = 0;
};
// How many of the call's keys are here. Asked at most once.
using CountKeys = std::function<KeyPresence()>;

enum class RouteVerdict : std::uint8_t {
  kServe,
  kMoved,           // to `target`
  kAsk,             // `target`, this once
  kTryAgain,        // some keys are here, some have gone
  kCrossSlot,
  kUnbound,         // nobody owns the slot
  kDown,            // the cluster's state is fail
  kDownReadOnly     // the same, and only reads are served
};

struct Route {
  RouteVerdict verdict = RouteVerdict::kServe;
  NodeIndex target = kNoNode;
};

[[nodiscard]] Route judge_route(const RouteQuery& query, const Topology& topology, const RouteFacts& facts,
                                const CountKeys& count_keys);

// Where MOVED and ASK send the client: "host:port", the host as cluster-preferred-endpoint-type
// wants it. Nothing while the node's address is not known: clients that are sent nowhere do not come back.
[[nodiscard]] std::optional<std::string> format_target(const Node& node, EndpointType type, bool client_uses_tls);

// 1 for each slot of which every call is served whatever it is: owned by this node, not on
// the move, and the cluster's state ok. All 0 when it is not.
void fill_served_slots(std::span<std::uint8_t, kSlotCount> served, const Topology& topology, bool cluster_ok);

}  // namespace skein
