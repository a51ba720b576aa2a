// Where members are, and where this node is itself.
//
// A member tells its place with every PING: the host it announces or the one it calls from, and its ports. Who answers at
// an address tells whose address it is not. This node's own place is what it announces; else what it is bound to; else
// where settled members reach it. What nodes.conf says of it may be from before a move and is doubted until one of
// them agrees: a swap of two nodes leaves each with the other's address for its own.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "member.h"

namespace skein {

namespace {

constexpr seconds kRefutedPause{1};

bool is_loopback(std::string_view ip) { return ip.starts_with("127.") || ip == "::1"; }

bool same_place(const NodeAddress& a, const NodeAddress& b) { return a.ip == b.ip && a.bus_port == b.bus_port; }

// Of several bound addresses the one that others can reach. Empty where that is not clear.
std::string choose_bound(const std::vector<std::string>& bound) {
  std::string chosen;
  for (const std::string& ip : bound) {
    if (is_loopback(ip)) continue;
    if (!chosen.empty()) return {};
    chosen = ip;
  }
  return chosen.empty() ? bound.front() : chosen;
}

}  // namespace

std::string_view ClusterNode::Member::announced_host() const {
  return is_host(settings_.announce_ip) ? std::string_view(settings_.announce_ip) : std::string_view();
}

void ClusterNode::Member::set_own_ip(std::string_view ip) {
  own_ip_is_sure_ = !ip.empty();
  if (ip == self().address.ip) return;
  topology_.edit(kSelf, [&](Node& node) { node.address.ip = ip; });
  if (!ip.empty()) log(EventLevel::kWarning, fmt::format("IP address for this node updated to {}", ip));
  save_lazily();
}

void ClusterNode::Member::doubt_own_ip() {
  own_ip_is_sure_ = !announced_host().empty();
  if (!own_ip_is_sure_ && !settings_.announce_ip.empty()) {
    log(EventLevel::kWarning, fmt::format("cluster-announce-ip is neither an IP address nor a host name of at most {} bytes: "
                                          "this node goes by the address it is reached at",
                                          kMaxHostText));
  }
  const auto& bound = settings_.bound_ips;
  if (own_ip_is_sure_ || self().address.ip.empty() || bound.empty()) return;
  const bool is_bound = std::find(bound.begin(), bound.end(), self().address.ip) != bound.end();
  set_own_ip(is_bound ? self().address.ip : choose_bound(bound));
}

void ClusterNode::Member::learn_own_ip(const Arrival& arrival) {
  if (!announced_host().empty()) return;
  const auto ip = arrival.origin.local_ip;
  if (!is_ip_address(ip)) return;
  const std::string& own = self().address.ip;
  // Until there is one, anybody's word is better than none.
  if (own.empty()) return set_own_ip(ip);
  const bool is_alone = topology_.node_count() == 1;
  const bool meets = arrival.packet.type == MessageType::kMeet && (is_alone || arrival.sender_is_settled);
  if (ip == own || meets) {
    if (meets || arrival.sender_is_settled) set_own_ip(ip);
    return;
  }
  // Who is on several networks stays with the address it has as long as somebody reaches it there.
  if (!arrival.sender_is_settled || (is_loopback(ip) && !is_loopback(own))) return;
  bool is_reached = false;
  each_other([&](NodeIndex index) { is_reached = is_reached || (!links(index).in.is_none() && links(index).in_at == own); });
  if (!is_reached) set_own_ip(ip);
}

bool ClusterNode::Member::is_own_place(const NodeAddress& address) const {
  return own_ip_is_sure_ && same_place(address, self().address);
}

NodeAddress ClusterNode::Member::address_in(const Arrival& arrival) const {
  const Packet& packet = arrival.packet;
  return {std::string(packet.ip.empty() ? arrival.origin.remote_ip : packet.ip), packet.port, packet.plain_port,
          packet.bus_port};
}

void ClusterNode::Member::update_address(const Arrival& arrival) {
  // Only what comes by its link to this node shows where it is; this node's link to it
  // goes where the table says.
  if (!arrival.origin.link.is_inbound()) return;
  adopt_address(arrival.sender, address_in(arrival), arrival.now.mono);
}

void ClusterNode::Member::learn_address_from(const GossipEntry& entry, NodeIndex index, MonoTime now) {
  const Node& node = topology_.node(index);
  const bool is_lost = node.flags.has(NodeFlag::kNoAddress);
  const bool looks_dead = node.flags.has_any(NodeFlag::kPfail | NodeFlag::kFail);
  if (index == kSelf || !(is_lost || looks_dead)) return;
  if (entry.flags.has_any(NodeFlag::kNoAddress | NodeFlag::kHandshake | NodeFlag::kPfail | NodeFlag::kFail)) return;
  if (entry.ip.empty() || entry.bus_port == 0) return;
  const NodeAddress address{std::string(entry.ip), entry.port, entry.plain_port, entry.bus_port};
  // Others may not have found out yet that somebody else is there.
  const NodeLinks& link = links(index);
  if (same_place(address, link.not_at) && now - link.not_at_since < settings_.node_timeout) return;
  adopt_address(index, address, now);
}

void ClusterNode::Member::adopt_address(NodeIndex index, const NodeAddress& address, MonoTime now) {
  if (topology_.node(index).address == address || !is_host(address.ip) || is_own_place(address)) return;
  // Nodes of several hosts that all seem to be at one address (behind NAT, without announcing their own) would be found
  // and lost as fast as the network goes.
  const bool just_refuted = same_place(address, links(index).not_at) && now - links(index).not_at_since < kRefutedPause;
  if (just_refuted || !note_address(index, address, now)) return;
  topology_.edit(index, [&](Node& node) {
    node.address = address;
    node.flags.clear(NodeFlag::kNoAddress);
  });
  auto& link = links(index);
  if (!link.out.is_none()) outbox_.push(CloseLink{link.out});
  link.out = {};
  if (std::exchange(link.out_is_up, false)) link.out_lost = now;
  open_link(index, now);
  log(EventLevel::kWarning, fmt::format("Address updated for node {}, now {}:{}", topology_.node(index).id.view(),
                                        address.ip, address.port));
  save_lazily();
}

void ClusterNode::Member::lose_address(NodeIndex index, MonoTime now) {
  links(index).not_at = topology_.node(index).address;
  links(index).not_at_since = now;
  close_links(index);
  topology_.edit(index, [](Node& node) {
    node.flags.set(NodeFlag::kNoAddress);
    node.address = {};
  });
  save_lazily();
}

}  // namespace skein
