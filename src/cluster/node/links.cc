// Links.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "member.h"

namespace skein {

namespace {

bool has_address(const Node& node) {
  return !node.flags.has(NodeFlag::kNoAddress) && !node.address.ip.empty() && node.address.bus_port != 0;
}

}  // namespace

bool ClusterNode::Member::open_link(NodeIndex index, MonoTime now) {
  const Node& node = topology_.node(index);
  if (index == kSelf || !links(index).out.is_none() || !has_address(node)) return false;
  // A node that is told to meet itself may find that out by asking.
  if (!node.in_handshake() && is_own_place(node.address)) {
    lose_address(index, now);
    return false;
  }
  // The number carries the index, so that an event finds its node without a table.
  auto& link = links(index);
  link.out = LinkId::outbound(++last_link_ << 16 | index.value);
  link.out_is_up = false;
  link.out_created = now;
  // Silence counts from here: an attempt that is never answered reports neither success nor
  // failure, and a member that starts while it is cut off would suspect nobody.
  if (!health(index).ping_pending()) health(index).ping_sent = now;
  outbox_.push(OpenLink{link.out, node.id, node.address.ip, node.address.bus_port});
  return true;
}

void ClusterNode::Member::close_links(NodeIndex index) {
  auto& link = links(index);
  for (const LinkId id : {link.out, link.in}) {
    if (!id.is_none()) outbox_.push(CloseLink{id});
  }
  link.out = {};
  link.out_is_up = false;
  link.in = {};
}

NodeIndex ClusterNode::Member::node_of_out_link(LinkId link) const {
  if (link.is_inbound() || link.is_none()) return kNoNode;
  const NodeIndex index{static_cast<std::uint16_t>(link.value() >> 1 & 0xffff)};
  if (!topology_.contains(index) || links(index).out != link) return kNoNode;
  return index;
}

void ClusterNode::Member::on_link_up(LinkId id, Now now) {
  const NodeIndex index = node_of_out_link(id);
  if (!index.is_none() && !links(index).out_is_up) {
    links(index).out_is_up = true;
    // The first packet goes at once: a new link says nothing about the node behind it.
    const bool meet = topology_.node(index).flags.has(NodeFlag::kMeet);
    send_heartbeat(meet ? MessageType::kMeet : MessageType::kPing, id, index, now);
    if (meet) topology_.edit(index, [](Node& node) { node.flags.clear(NodeFlag::kMeet); });
  }
  settle(now);
}

void ClusterNode::Member::on_link_down(LinkId id, Now now) {
  if (const NodeIndex index = node_of_out_link(id); !index.is_none()) {
    // Two nodes with one id push each other's links off as fast as these come up.
    const bool was_up = links(index).out_is_up && now.mono - links(index).out_created >= kClusterTick;
    links(index).out = {};
    if (std::exchange(links(index).out_is_up, false)) links(index).out_lost = now.mono;
    // Without a link no ping can be sent, and without a ping no silence be measured.
    if (!health(index).ping_pending()) health(index).ping_sent = now.mono;
    // One that could not even be opened is tried again with the next tick.
    if (was_up) open_link(index, now.mono);
  } else if (id.is_inbound()) {
    each_other([&](NodeIndex other) {
      if (links(other).in != id) return;
      links(other).in = {};
      // Its end of the connection is gone: ask at once whether the node is, too.
      if (links(other).out_is_up && !health(other).ping_pending()) ping(other, now);
    });
  }
  settle(now);
}

void ClusterNode::Member::note_inbound_link(const Arrival& arrival) {
  const LinkId id = arrival.origin.link;
  if (!id.is_inbound() || arrival.sender.is_none() || arrival.sender == kSelf) return;
  auto& link = links(arrival.sender);
  if (link.in == id) return;
  // Its older one is half open: the node would not have made another otherwise.
  if (!link.in.is_none()) outbox_.push(CloseLink{link.in});
  link.in = id;
  link.in_created = arrival.now.mono;
  link.in_at = arrival.origin.local_ip;
}

bool ClusterNode::Member::knows_link(LinkId link) const {
  bool known = false;
  topology_.for_each_node([&](NodeIndex index, const Node& node) {
    known = known || (links(index).in == link && !node.in_handshake() && !health_.at(index).hearsay);
  });
  return known;
}

}  // namespace skein
