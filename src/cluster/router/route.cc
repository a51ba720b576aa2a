#include <skein/cluster/router/route.h>

#include <algorithm>

namespace skein {

namespace {

// Nothing when the state of the cluster is no reason to refuse.
bool is_refused_while_down(const RouteQuery& query, const RouteFacts& facts) {
  if (facts.cluster_ok) return false;
  if (query.shard_channels) return !facts.allow_shard_channels_when_down;
  return !facts.allow_reads_when_down || query.writes;
}

}  // namespace

Route judge_route(const RouteQuery& query, const Topology& topology, const RouteFacts& facts,
                  const CountKeys& count_keys) {
  const NodeIndex owner = topology.owner(query.slot);
  if (owner.is_none()) return {RouteVerdict::kUnbound, kNoNode};
  if (query.crosses_slots) return {RouteVerdict::kCrossSlot, kNoNode};
  if (is_refused_while_down(query, facts)) {
    const bool reads_go_on = facts.allow_reads_when_down && !query.shard_channels;
    return {reads_go_on ? RouteVerdict::kDownReadOnly : RouteVerdict::kDown, kNoNode};
  }

  const NodeIndex leaving_to = owner == kSelf ? topology.migrating_to(query.slot) : kNoNode;
  const bool arriving =
      (owner != kSelf || leaving_to.is_none()) && !topology.importing_from(query.slot).is_none();
  const bool open = !leaving_to.is_none() || arriving;
  if (open && query.moves_slot) return {RouteVerdict::kServe, kSelf};
  // Channels are no keys: they are where the slot is.
  KeyPresence keys;
  if (open && !query.shard_channels) keys = count_keys();
  if (!leaving_to.is_none() && keys.missing > 0) {
    if (keys.present > 0) return {RouteVerdict::kTryAgain, kNoNode};
    return {RouteVerdict::kAsk, leaving_to};
  }
  if (arriving && query.asking) {
    if (query.several_keys && keys.missing > 0) return {RouteVerdict::kTryAgain, kNoNode};
    return {RouteVerdict::kServe, kSelf};
  }

  const Node& self = topology.self();
  const bool reads_here = (query.readonly || query.shard_channels) && !query.writes;
  if (reads_here && self.is_replica() && self.primary == owner) return {RouteVerdict::kServe, kSelf};
  if (owner == kSelf) return {RouteVerdict::kServe, kSelf};
  return {RouteVerdict::kMoved, owner};
}

std::optional<std::string> format_target(const Node& node, EndpointType type, bool client_uses_tls) {
  if (!node.address.is_known()) return std::nullopt;
  std::string target(preferred_endpoint(node, type));
  target += ':';
  target += std::to_string(client_port(node, client_uses_tls));
  return target;
}

void fill_served_slots(std::span<std::uint8_t, kSlotCount> served, const Topology& topology, bool cluster_ok) {
  if (!cluster_ok) {
    std::fill(served.begin(), served.end(), std::uint8_t{0});
    return;
  }
  for (std::uint16_t s = 0; s < kSlotCount; ++s) served[s] = topology.owner({s}) == kSelf ? 1 : 0;
  for (const OpenSlot& open : topology.migrating()) served[open.slot.value] = 0;
  for (const OpenSlot& open : topology.importing()) served[open.slot.value] = 0;
}

}  // namespace skein
