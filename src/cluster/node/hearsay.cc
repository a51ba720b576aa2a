// Nodes that this one has only been told of.
//
// Gossip names nodes, and a checksum proves nothing about who has made the packet. So a node that gossip names is asked
// where it is said to be, and only its own answer by this node's link makes it a member: until then it is shown to
// operators, but neither believed, nor saved, nor told on. How many there are at a time, and how fast they come, is
// bounded: each takes a row and a connection.
#include <algorithm>

#include "member.h"

namespace skein {

namespace {

// So many wait for their answer at a time.
constexpr std::size_t kMaxHearsay = 64;
// As long as a handshake: whoever has not answered by then makes room for others.
constexpr milliseconds kMinPatience{1000};
// One that nobody names for so many node timeouts was a mistake.
constexpr int kLifetimes = 10;
constexpr milliseconds kMinLifetime{60000};

}  // namespace

bool ClusterNode::Member::on_gossip_about_unknown(const Arrival& arrival, const GossipEntry& entry) {
  if (entry.flags.has_any(NodeFlag::kNoAddress | NodeFlag::kHandshake) || entry.ip.empty() || entry.bus_port == 0) {
    return true;
  }
  const bool primary = entry.flags.has(NodeFlag::kPrimary);
  const bool replica = entry.flags.has(NodeFlag::kReplica);
  if (entry.id.is_none() || (primary && replica) || bans_.has(entry.id, arrival.now.mono)) return true;
  Node node;
  node.id = entry.id;
  node.address = {std::string(entry.ip), entry.port, entry.plain_port, entry.bus_port};
  // Its failure is for this node to find out, or for FAIL to tell.
  if (primary) node.flags.set(NodeFlag::kPrimary);
  if (replica) node.flags.set(NodeFlag::kReplica);
  if (entry.flags.has(NodeFlag::kNoFailover)) node.flags.set(NodeFlag::kNoFailover);
  return add_hearsay(std::move(node), arrival.now.mono);
}

bool ClusterNode::Member::add_hearsay(Node node, MonoTime now) {
  const bool is_full = hearsay_ >= kMaxHearsay;
  const NodeIndex dropped = is_full ? choose_hearsay_to_drop(now) : kNoNode;
  if ((is_full && dropped.is_none()) || !hearsay_rate_.take(now)) return false;
  if (is_full) remove_node(dropped);
  const auto index = add_node(std::move(node), now);
  if (!index) return false;
  bans_.erase(topology_.node(*index).id);
  health(*index).hearsay = true;
  health(*index).named_at = now;
  ++hearsay_;
  open_link(*index, now);
  return true;
}

// The oldest of those that have had their time to answer.
NodeIndex ClusterNode::Member::choose_hearsay_to_drop(MonoTime now) const {
  const milliseconds patience = std::max(settings_.node_timeout, kMinPatience);
  NodeIndex oldest = kNoNode;
  topology_.for_each_node([&](NodeIndex index, const Node&) {
    const NodeHealth& heard = health_.at(index);
    if (!is_only_said(index) || now - heard.added <= patience) return;
    if (oldest.is_none() || heard.added < health_.at(oldest).added) oldest = index;
  });
  return oldest;
}

void ClusterNode::Member::end_hearsay(NodeIndex index) {
  if (!health(index).hearsay) return;
  health(index).hearsay = false;
  --hearsay_;
  save_lazily();
}

void ClusterNode::Member::expire_hearsay(NodeIndex index, MonoTime now) {
  const auto lifetime = std::max(kLifetimes * settings_.node_timeout, kMinLifetime);
  if (is_only_said(index) && now - health(index).named_at > lifetime) remove_node(index);
}

// And nothing that is this node's own to say depends on it.
bool ClusterNode::Member::is_only_said(NodeIndex index) const {
  if (!health_.at(index).hearsay || topology_.node(index).slot_count > 0) return false;
  const auto is_other = [&](const OpenSlot& open) { return open.other == index; };
  return std::none_of(topology_.migrating().begin(), topology_.migrating().end(), is_other) &&
         std::none_of(topology_.importing().begin(), topology_.importing().end(), is_other);
}

}  // namespace skein
