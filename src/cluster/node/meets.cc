// Handshakes: with whom an operator has this node meet, and with strangers that send MEET.
#include <fmt/format.h>

#include <algorithm>

#include "member.h"

namespace skein {

namespace {

// A handshake lasts at most the node timeout, and long enough for a slow first answer.
constexpr milliseconds kMinHandshake{1000};

}  // namespace

bool ClusterNode::Member::is_handshake_under_way(const NodeAddress& address) const {
  bool found = false;
  topology_.for_each_node([&](NodeIndex, const Node& node) {
    found = found || (node.in_handshake() && node.address.ip == address.ip &&
                      node.address.bus_port == address.bus_port);
  });
  return found;
}

// Whoever speaks there is asked at once: the place may be another's soon.
void ClusterNode::Member::start_handshake_with_sender(const Arrival& arrival) {
  Node node;
  node.address = address_in(arrival);
  if (!is_host(node.address.ip) || is_handshake_under_way(node.address)) return;
  auto origin = handshake_origin(arrival.origin.remote_ip, node.address.ip);
  if (const auto oldest = places_.choose_to_end(origin)) remove_node(*oldest);
  node.id = *NodeId::parse(random_.hex(NodeId::kSize));
  node.flags = NodeFlag::kHandshake;
  const auto index = add_node(std::move(node), arrival.now.mono);
  if (!index) return;
  places_.add(*index, std::move(origin));
  open_link(*index, arrival.now.mono);
}

void ClusterNode::Member::expire_handshake(NodeIndex index, MonoTime now) {
  const milliseconds limit = std::max(settings_.node_timeout, kMinHandshake);
  if (now - health(index).added <= limit) return;
  note_lost_handshake(index, now);
  remove_node(index);
}

}  // namespace skein
