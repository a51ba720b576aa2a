// Who is in the cluster and who owns which slot: what changes rarely.
//
// A value. A copy shares everything with the original until one of them is edited, so a
// reader may keep a snapshot for the price of a few reference counts. Ping and pong times,
// reports and links change all the time and live in gossip's own table, by node index.
// No rule of the cluster is in here: an edit does what it is told.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <skein/base/assert.h>
#include <skein/base/endpoint_type.h>
#include <skein/base/ids.h>
#include <skein/cluster/topology/node_flags.h>
#include <skein/cluster/topology/slot_bitmap.h>

namespace skein {

// A node's place in the table: stable while the node is known, used again afterwards.
struct NodeIndex {
  std::uint16_t value = 0xffff;
  friend constexpr auto operator<=>(NodeIndex, NodeIndex) = default;
  [[nodiscard]] constexpr bool is_none() const { return value == 0xffff; }
};
inline constexpr NodeIndex kNoNode{};
// This node itself is always here.
inline constexpr NodeIndex kSelf{0};
// How many nodes a table takes. Redis's own advice ends at 1,000.
inline constexpr std::size_t kMaxNodes = 16384;

// The bus listens this far above the port of clients where nothing else is said.
inline constexpr int kBusPortAbove = 10000;

struct NodeAddress {
  std::string ip;  // or the name it announces instead (cluster-announce-ip); empty while unknown
  std::uint16_t port = 0;        // of clients; the TLS port where TLS is the base
  std::uint16_t plain_port = 0;  // of clients without TLS where `port` is the TLS port, else 0
  std::uint16_t bus_port = 0;
  // Clients can be sent there.
  [[nodiscard]] bool is_known() const { return !ip.empty() && port != 0; }
  friend bool operator==(const NodeAddress&, const NodeAddress&) = default;
};

struct Node {
  NodeId id;
  NodeAddress address;
  std::string hostname;  // empty when it announced none
  Epoch config_epoch;
  NodeIndex primary = kNoNode;  // of a replica, once known
  NodeFlags flags;
  std::uint16_t slot_count = 0;  // kept by the topology

  [[nodiscard]] bool is_primary() const { return flags.has(NodeFlag::kPrimary); }
  [[nodiscard]] bool is_replica() const { return flags.has(NodeFlag::kReplica); }
  [[nodiscard]] bool has_failed() const { return flags.has(NodeFlag::kFail); }
  [[nodiscard]] bool is_suspected() const { return flags.has(NodeFlag::kPfail); }
  [[nodiscard]] bool in_handshake() const { return flags.has(NodeFlag::kHandshake); }
  // Primaries that own slots are the ones who vote and whose failure matters.
  [[nodiscard]] bool is_voter() const { return is_primary() && slot_count > 0; }
};

// A slot of this node that is on its way to, or from, another one.
struct OpenSlot {
  Slot slot;
  NodeIndex other;
  friend bool operator==(const OpenSlot&, const OpenSlot&) = default;
};

// What is counted of all nodes, and kept with each edit: packets ask for it all the time.
struct Census {
  std::size_t voters = 0;            // redis's "size"
  std::size_t reachable_voters = 0;  // neither suspected nor failed
  std::size_t suspected = 0;         // of any role
  std::size_t failed_owners = 0;     // failed ones that own slots
  std::size_t assigned_slots = 0;
  friend bool operator==(const Census&, const Census&) = default;
};

class Topology {
 public:
  // A cluster of one: `self` without slots.
  explicit Topology(Node self);

  // Nodes.
  [[nodiscard]] const Node& self() const { return node(kSelf); }
  [[nodiscard]] const Node& node(NodeIndex index) const {
    SKEIN_ASSERT(contains(index));
    return *nodes_->entries[index.value];
  }
  [[nodiscard]] bool contains(NodeIndex index) const {
    return index.value < nodes_->entries.size() && nodes_->entries[index.value].has_value();
  }
  [[nodiscard]] NodeIndex find(const NodeId& id) const;  // kNoNode when unknown
  [[nodiscard]] std::size_t node_count() const { return nodes_->count; }
  // One past the greatest index in use: the size tables by index need.
  [[nodiscard]] std::size_t index_limit() const { return nodes_->entries.size(); }
  // Calls `visit(NodeIndex, const Node&)` for every node, in the order of their indexes.
  template <typename Visit>
  void for_each_node(Visit&& visit) const {
    for (std::size_t i = 0; i < nodes_->entries.size(); ++i) {
      if (nodes_->entries[i]) visit(NodeIndex{static_cast<std::uint16_t>(i)}, *nodes_->entries[i]);
    }
  }
  [[nodiscard]] std::vector<NodeIndex> replicas_of(NodeIndex primary) const;
  [[nodiscard]] const Census& census() const { return census_; }
  [[nodiscard]] std::size_t voter_count() const { return census_.voters; }

  // Slots.
  [[nodiscard]] NodeIndex owner(Slot slot) const {
    return slot_pages_[slot.value / kPageSlots]->owners[slot.value % kPageSlots];
  }
  [[nodiscard]] std::size_t assigned_slots() const { return census_.assigned_slots; }
  [[nodiscard]] SlotBitmap slots_of(NodeIndex node) const;
  // First and last slot of every unbroken run of `node`'s slots, rising.
  [[nodiscard]] std::vector<std::pair<Slot, Slot>> slot_ranges_of(NodeIndex node) const;
  [[nodiscard]] NodeIndex migrating_to(Slot slot) const;    // kNoNode when it is not leaving
  [[nodiscard]] NodeIndex importing_from(Slot slot) const;  // kNoNode when it is not arriving
  [[nodiscard]] std::span<const OpenSlot> migrating() const { return *migrating_; }
  [[nodiscard]] std::span<const OpenSlot> importing() const { return *importing_; }

  // Grows with every edit; the second one only with edits of owners and open slots, the third
  // when a node becomes a voter or ceases to be one.
  [[nodiscard]] std::uint64_t revision() const { return revision_; }
  [[nodiscard]] std::uint64_t slots_revision() const { return slots_revision_; }
  [[nodiscard]] std::uint64_t voters_revision() const { return voters_revision_; }

  // Edits of this value; copies made before are not touched.
  // Nothing when the table is full; the id must be new.
  std::optional<NodeIndex> add(Node node);
  // Frees its slots and closes what was open with it; its replicas have no primary then.
  void remove(NodeIndex index);
  // Hands the node to `edit(Node&)`. Id and slot count have edits of their own.
  template <typename Edit>
  void edit(NodeIndex index, Edit&& edit) {
    Node& node = writable(index);
    const bool voted = count_out(node);
    edit(node);
    count_in(node, voted);
  }
  void rename(NodeIndex index, const NodeId& id);
  void set_owner(Slot slot, NodeIndex node);
  void set_migrating(Slot slot, NodeIndex to);    // kNoNode closes it
  void set_importing(Slot slot, NodeIndex from);  // kNoNode closes it

 private:
  static constexpr std::size_t kPageSlots = 256;
  struct SlotPage {
    std::array<NodeIndex, kPageSlots> owners{};
  };
  struct NodeTable {
    std::vector<std::optional<Node>> entries;
    std::vector<NodeIndex> by_id;  // open addressing, a power of two, at most half full
    std::size_t count = 0;
  };

  // Rising.
  template <typename Visit>
  void for_each_slot_of(NodeIndex index, Visit&& visit) const;
  Node& writable(NodeIndex index);
  bool count_out(const Node& node);  // true when it was a voter
  void count_in(const Node& node, bool voted);
  NodeTable& writable_table();
  SlotPage& writable_page(Slot slot);
  static void index_table(NodeTable& table);
  static void enter_by_id(NodeTable& table, NodeIndex index);

  std::shared_ptr<NodeTable> nodes_;
  std::array<std::shared_ptr<SlotPage>, kSlotCount / kPageSlots> slot_pages_;
  std::shared_ptr<std::vector<OpenSlot>> migrating_;
  std::shared_ptr<std::vector<OpenSlot>> importing_;
  std::uint64_t revision_ = 1;
  std::uint64_t slots_revision_ = 1;
  std::uint64_t voters_revision_ = 1;
  Census census_;
};

// What clients are told when they are sent elsewhere: cluster-preferred-endpoint-type.

// The host a MOVED or ASK names: `?` for a missing host name, empty for an unknown endpoint.
[[nodiscard]] std::string_view preferred_endpoint(const Node& node, EndpointType type);
// The port a client should be told: the plain one for a client without TLS where both exist.
[[nodiscard]] std::uint16_t client_port(const Node& node, bool client_uses_tls);

}  // namespace skein
