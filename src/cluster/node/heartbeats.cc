// Pings, suspicion, FAIL, and what packets of this node are made of.
#include <fmt/format.h>

#include <algorithm>

#include <skein/cluster/gossip/judgement.h>

#include "member.h"

namespace skein {

namespace {

constexpr std::uint64_t kTicksPerRandomPing = 10;
// A member of a large cluster that starts does not dial everybody at one moment.
constexpr std::size_t kLinksPerTick = 64;

}  // namespace

void ClusterNode::Member::ping_members(Now now) {
  open_missing_links(now.mono);
  each_other([&](NodeIndex index) {
    if (topology_.node(index).in_handshake()) {
      expire_handshake(index, now.mono);
    } else if (health(index).hearsay) {
      expire_hearsay(index, now.mono);
    }
  });
  if (ticks_ % kTicksPerRandomPing == 0) {
    const auto has_link = [&](NodeIndex index) { return links(index).out_is_up; };
    const NodeIndex oldest = choose_random_ping(topology_, health_, has_link, random_);
    if (!oldest.is_none()) ping(oldest, now);
  }
  each_other([&](NodeIndex index) { watch_member(index, now); });
}

// After this node itself stood still (SIGSTOP, a hypervisor's pause) the others' silence may be
// its own: what they sent lies unread.
void ClusterNode::Member::forgive_own_standstill(MonoTime now) {
  const milliseconds longest = std::max(settings_.node_timeout / 2, 3 * kClusterTick);
  const bool stood_still = last_tick_ != MonoTime{} && now - last_tick_ > longest;
  last_tick_ = now;
  if (!stood_still) return;
  stood_still_at_ = now;
  each_other([&](NodeIndex index) {
    if (health(index).ping_pending()) health(index).ping_sent = now;
  });
}

void ClusterNode::Member::open_missing_links(MonoTime now) {
  // In turn, so that many members out of reach do not keep the others waiting.
  const std::size_t places = topology_.index_limit();
  std::size_t opened = 0;
  for (std::size_t i = 0; i < places && opened < kLinksPerTick; ++i) {
    const NodeIndex index{static_cast<std::uint16_t>(next_to_open_++ % places)};
    if (topology_.contains(index) && open_link(index, now)) ++opened;
  }
}

void ClusterNode::Member::watch_member(NodeIndex index, Now now) {
  if (topology_.node(index).in_handshake()) return;
  NodeHealth& heard = health(index);
  // Nowhere to ask it: it is as silent as one that does not answer, and a replica of it may have to stand.
  const bool is_nowhere = topology_.node(index).flags.has(NodeFlag::kNoAddress);
  if (is_nowhere && !heard.ping_pending()) heard.ping_sent = now.mono;
  auto& link = links(index);
  if (!link.out.is_none() && should_reopen_link(heard, link.out_created, now.mono, settings_.node_timeout)) {
    outbox_.push(CloseLink{link.out});
    link.out = {};
    if (std::exchange(link.out_is_up, false)) link.out_lost = now.mono;
    open_link(index, now.mono);
  }
  if (link.out_is_up && should_ping(heard, now.mono, settings_.node_timeout)) return ping(index, now);
  // It speaks, but a ping of ours was lost: with a process that did not answer then, perhaps.
  const bool is_lost = heard.ping_pending() && heard.data_received > heard.ping_sent &&
                       now.mono - heard.ping_sent > settings_.node_timeout / 2;
  if (link.out_is_up && is_lost && ticks_ % kTicksPerRandomPing == 0) return ping(index, now);
  if (is_silent(heard, now.mono, settings_.node_timeout)) suspect(index, now);
}

void ClusterNode::Member::suspect(NodeIndex index, Now now) {
  const Node& node = topology_.node(index);
  if (node.has_failed() || node.is_suspected()) return;
  log(EventLevel::kDebug, fmt::format("*** NODE {} possibly failing", node.id.view()));
  topology_.edit(index, [](Node& edited) { edited.flags.set(NodeFlag::kPfail); });
  mark_failed_if_agreed(index, now.mono);
  spread_suspicion(index, now);
}

void ClusterNode::Member::mark_failed_if_agreed(NodeIndex index, MonoTime now) {
  const auto is_agreed = [&](std::size_t reports) {
    return judge_fail(topology_, index, reports, settings_.bugs.no_quorum_for_fail) == FailVerdict::kFail;
  };
  // Mostly there are too few even with those that do not count.
  if (!is_agreed(health(index).reports.size())) return;
  if (!is_agreed(count_fail_reports(health(index), topology_, now, settings_.node_timeout))) return;
  log(EventLevel::kNotice, fmt::format("Marking node {} as failing (quorum reached).", topology_.node(index).id.view()));
  topology_.edit(index, [](Node& node) { node.flags.clear(NodeFlag::kPfail).set(NodeFlag::kFail); });
  health(index).failed_at = now;
  save_lazily();
  broadcast_fail(index);
}

void ClusterNode::Member::clear_fail_if_due(NodeIndex index, MonoTime now) {
  const Node& node = topology_.node(index);
  if (settings_.bugs.fail_is_forever || !may_clear_fail(node, health(index), now, settings_.node_timeout)) return;
  log(EventLevel::kNotice,
      node.is_voter() ? fmt::format("Clear FAIL state for node {}: is reachable again and nobody is serving its "
                                    "slots after some time.",
                                    node.id.view())
                      : fmt::format("Clear FAIL state for node {}:{} is reachable again.", node.id.view(),
                                    node.is_replica() ? "replica" : "master without slots"));
  topology_.edit(index, [](Node& edited) { edited.flags.clear(NodeFlag::kFail); });
  save_lazily();
}

void ClusterNode::Member::ping(NodeIndex index, Now now) {
  send_heartbeat(MessageType::kPing, links(index).out, index, now);
}

void ClusterNode::Member::send_heartbeat(MessageType type, LinkId link, NodeIndex to, Now now) {
  const auto has_link = [&](NodeIndex index) { return !links(index).out.is_none(); };
  const auto chosen = choose_gossip(topology_, health_, has_link, ++gossip_round_, random_);

  std::vector<GossipEntry> gossip;
  gossip.reserve(chosen.size());
  for (const NodeIndex index : chosen) gossip.push_back(gossip_about(index, now));

  // Only members that mark their packets are known to understand what is forgotten.
  const bool understands = !to.is_none() && health(to).marks_packets;
  send_heartbeat(type, link, to, gossip, understands ? bans_.to_tell(now.mono) : std::vector<ForgottenNode>{}, now);
}

// What all heartbeats have in common, whatever they tell of others.
void ClusterNode::Member::send_heartbeat(MessageType type, LinkId link, NodeIndex to,
                                         std::span<const GossipEntry> gossip,
                                         std::span<const ForgottenNode> forgotten, Now now) {
  if (is_holding_back()) return ask_as_nobody(type, link, to, now);
  if (type != MessageType::kPong && !to.is_none()) note_ping(to, now.mono);
  // One that waits already keeps its time, or silence would never last.
  if (type == MessageType::kPing && !to.is_none() && !health(to).ping_pending()) health(to).ping_sent = now.mono;
  auto header = own_header(type);
  header.understands_extensions = true;
  // To nobody else: a replica that has not asked takes it for an offer.
  header.paused = yield_.is_paused_towards(to);
  std::vector<ShownSlot> open_slots;
  const bool shows_slots = shows_open_slots_to(to);
  open_slots = shows_slots ? open_slots_to_show() : open_slots_for_all();
  const bool at_once = shows_slots && shows_saved_claims() && !header.paused;
  if (at_once) {
    header.current_epoch = saved_claims_->current_epoch;
    header.config_epoch = saved_claims_->config_epoch;
    header.slots = saved_claims_->slots.wire();
  }
  // The host name goes to everybody, as with redis 7.0: one without a name of its own never
  // says that it understands extensions, and yet it does.
  auto bytes = encode_heartbeat(header, gossip,
                                {.hostname = self().hostname, .forgotten = forgotten, .open_slots = open_slots},
                                settings_.mark_packets);
  auto shared = std::make_shared<const std::string>(std::move(bytes));
  at_once ? send_at_once(link, type, std::move(shared))
          : send(link, type, std::move(shared), now.mono + settings_.node_timeout);
}

GossipEntry ClusterNode::Member::gossip_about(NodeIndex index, Now now) const {
  const Node& node = topology_.node(index);
  const NodeHealth& heard = health_.at(index);
  return {.id = node.id,
          .ping_sent_seconds = wire_seconds(heard.ping_sent, now),
          .pong_received_seconds = wire_seconds(heard.pong_received, now),
          .ip = node.address.ip,
          .port = node.address.port,
          .bus_port = node.address.bus_port,
          .plain_port = node.address.plain_port,
          .flags = node.flags};
}

// A heartbeat about these members alone.
void ClusterNode::Member::tell_about(MessageType type, NodeIndex to, std::span<const NodeIndex> about, Now now) {
  std::vector<GossipEntry> gossip;
  gossip.reserve(about.size());
  for (const NodeIndex index : about) gossip.push_back(gossip_about(index, now));
  send_heartbeat(type, links(to).out, to, gossip, {}, now);
}

std::uint32_t ClusterNode::Member::wire_seconds(MonoTime time, Now now) const {
  if (time == MonoTime{}) return 0;
  const auto ago = std::chrono::duration_cast<milliseconds>(now.mono - time);
  return static_cast<std::uint32_t>((now.wall.value - ago.count()) / 1000);
}

PacketHeader ClusterNode::Member::own_header(MessageType type) {
  const Node& node = self();
  const NodeIndex shown = node.is_replica() && !node.primary.is_none() ? node.primary : kSelf;
  if (header_slots_revision_ != topology_.slots_revision() || header_slots_of_ != shown) {
    header_slots_ = topology_.slots_of(shown);
    header_slots_revision_ = topology_.slots_revision();
    header_slots_of_ = shown;
  }
  PacketHeader header;
  header.type = type;
  header.sender = node.id;
  header.current_epoch = voter_.current_epoch;
  header.config_epoch = topology_.node(shown).config_epoch;
  header.offset = data_.offset;
  header.slots = header_slots_.wire();
  if (shown != kSelf) header.replica_of = topology_.node(shown).id;
  header.ip = announced_host();
  header.port = node.address.port;
  header.plain_port = node.address.plain_port;
  header.bus_port = node.address.bus_port;
  header.flags = node.flags;
  header.state_ok = state_ == ClusterState::kOk;
  return header;
}

void ClusterNode::Member::send(LinkId link, MessageType type, PacketBytes bytes, MonoTime deadline) {
  if (may_speak_by(link)) outbox_.push(SendPacket{link, type, std::move(bytes)}, deadline);
}

void ClusterNode::Member::send_at_once(LinkId link, MessageType type, PacketBytes bytes) {
  if (may_speak_by(link)) outbox_.push_at_once(SendPacket{link, type, std::move(bytes)});
}

bool ClusterNode::Member::may_speak_by(LinkId link) const {
  return !link.is_none() && !is_holding_back() && gone_to_.is_none();
}

void ClusterNode::Member::send_bare(MessageType type, NodeIndex to, MonoTime deadline) {
  auto bytes = encode_bare(own_header(type), settings_.mark_packets);
  send(links(to).out, type, std::make_shared<const std::string>(std::move(bytes)), deadline);
}

void ClusterNode::Member::send_update(NodeIndex to, NodeIndex about) {
  if (!links(to).out_is_up) return;
  const SlotBitmap slots = topology_.slots_of(about);
  const Node& node = topology_.node(about);
  auto bytes = encode_update(own_header(MessageType::kUpdate), {node.id, node.config_epoch, slots.wire()},
                             settings_.mark_packets);
  send(links(to).out, MessageType::kUpdate, std::make_shared<const std::string>(std::move(bytes)));
}

void ClusterNode::Member::broadcast_fail(NodeIndex failed) {
  const auto bytes = std::make_shared<const std::string>(
      encode_fail(own_header(MessageType::kFail), topology_.node(failed).id, settings_.mark_packets));
  each_other([&](NodeIndex index) {
    if (links(index).out_is_up && !topology_.node(index).in_handshake()) {
      send(links(index).out, MessageType::kFail, bytes);
    }
  });
}

// The header is what there is to tell: the same bytes for everybody but replicas that are shown more.
void ClusterNode::Member::broadcast_pong(Now now) {
  auto header = own_header(MessageType::kPong);
  header.understands_extensions = true;
  const std::vector<ShownSlot> open_slots = open_slots_for_all();
  const auto bytes = std::make_shared<const std::string>(
      encode_heartbeat(header, {}, {.hostname = self().hostname, .forgotten = {}, .open_slots = open_slots},
                       settings_.mark_packets));
  each_other([&](NodeIndex index) {
    if (!links(index).out_is_up || topology_.node(index).in_handshake()) return;
    if (shows_open_slots_to(index)) {
      return send_heartbeat(MessageType::kPong, links(index).out, index, {}, {}, now);
    }
    send(links(index).out, MessageType::kPong, bytes, now.mono + settings_.node_timeout);
  });
}

}  // namespace skein
