#include "witness.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "host.h"

namespace skein::sim {

namespace {

// A member holds back heartbeats, votes and claims for a link that takes none; it closes
// one that is silent, long before these would fill this.
constexpr std::size_t kMostLinkBytes = std::size_t{1} << 20;
// But when hundreds fail at one moment, each member tells each other a FAIL about every one of them.
constexpr std::size_t kLinkBytesForAMember = 4096;

}  // namespace

Witness::Record& Witness::record(const Host& host) {
  return records_[host.id().value];
}

void Witness::broken(const Host& host, const std::string& what) {
  journal_.violation(host.name() + " " + what);
}

void Witness::on_started(const Host& host) {
  const ClusterNode& node = host.node();
  ids_.insert(node.id());
  Record fresh;
  fresh.shown_epoch = record(host).shown_epoch;
  fresh.current_epoch = node.current_epoch();
  fresh.last_vote_epoch = node.last_vote_epoch();
  fresh.started = host.now().mono;
  fresh.was_replica = node.topology().self().is_replica();
  fresh.own_epoch = node.topology().self().config_epoch;
  record(host) = std::move(fresh);
  on_durable(host);

  if (!host.durable()) return;
  const ConfFacts& saved = *host.durable();
  const Node& self = node.topology().self();
  if (node.id() != saved.id) broken(host, "starts with another id than it saved");
  if (node.current_epoch() < saved.current_epoch || node.current_epoch() < record(host).shown_epoch) {
    broken(host, fmt::format("starts with current epoch {} after it has shown {}", node.current_epoch().value,
                             std::max(saved.current_epoch, record(host).shown_epoch).value));
  }
  if (node.last_vote_epoch() < saved.last_vote_epoch) {
    broken(host, fmt::format("starts with last vote {} after it has saved {}", node.last_vote_epoch().value,
                             saved.last_vote_epoch.value));
  }
  if (saved.is_primary && self.config_epoch < saved.config_epoch)
    broken(host, "starts with an older config epoch");
  if (saved.is_primary && node.topology().slots_of(kSelf) != saved.slots) {
    broken(host,
           fmt::format("starts with {} slots, not the {} it saved", self.slot_count, saved.slots.count()));
  }
}

void Witness::before_packet(const Host& host, const Peer::Arrival& arrival) {
  const ClusterNode& node = host.node();
  before_.reset();
  vote_before_.reset();
  const Before now{node.topology().revision(), node.topology().slots_revision(), node.current_epoch(),
                   node.last_vote_epoch()};
  if (arrival.is_corrupted) {
    before_ = now;
    return;
  }
  const PacketView packet{*arrival.bytes};
  if (packet.type() == MessageType::kAuthRequest && !packet.is_forced()) vote_before_ = node.last_vote_epoch();
  const NodeIndex sender = node.topology().find(packet.sender_id());
  if (sender.is_none()) {
    // A MEET introduces its sender, and the first PONG of a handshake comes by the link it
    // went out on; all else from strangers is noise.
    if (arrival.link.is_inbound() && packet.type() != MessageType::kMeet) before_ = now;
    return;
  }
  // Not yet, of whom others have told: until it has answered it is no member.
  const bool is_member = !node.topology().node(sender).in_handshake() && !node.is_hearsay(sender);
  if (is_member && depth_ == Depth::kFull) hear(host, packet);
}

void Witness::after_packet(const Host& host, const Peer::Arrival& arrival) {
  const auto vote_before = std::exchange(vote_before_, std::nullopt);
  if (vote_before && host.node().last_vote_epoch() != *vote_before && depth_ == Depth::kFull) {
    const NodeIndex candidate = host.node().topology().find(PacketView{*arrival.bytes}.sender_id());
    if (!candidate.is_none()) check_cause(host, candidate);
  }
  if (!before_) return;
  const ClusterNode& node = host.node();
  const char* what = arrival.is_corrupted ? "a damaged packet" : "a packet of a stranger";
  if (arrival.is_corrupted && node.topology().revision() != before_->revision) {
    broken(host, fmt::format("changed its table after {}", what));
  }
  if (node.topology().slots_revision() != before_->slots_revision) {
    broken(host, fmt::format("changed its slot map after {}", what));
  }
  if (node.current_epoch() != before_->current_epoch || node.last_vote_epoch() != before_->last_vote_epoch) {
    broken(host, fmt::format("changed its epochs after {}", what));
  }
  before_.reset();
}

void Witness::hear(const Host& host, const PacketView& packet) {
  const Topology& topology = host.node().topology();
  if (packet.type() == MessageType::kPing || packet.type() == MessageType::kMeet) {
    record(host).last_ping[packet.sender_id()] = host.now().mono;
  }
  if (packet.is_heartbeat()) {
    if (packet.is_from_primary()) hear_claim(host, packet.sender_id(), packet.config_epoch(), packet.slots());
    if (packet.is_from_primary()) hear_reports(host, packet);
  } else if (packet.type() == MessageType::kUpdate) {
    const auto about = NodeId::parse(packet.update_node()).value_or(NodeId{});
    const NodeIndex index = topology.find(about);
    // News only when it is newer than what is known of that node; and the header has just
    // told the sender's own epoch.
    if (!index.is_none() && about != packet.sender_id() &&
        topology.node(index).config_epoch < packet.update_epoch()) {
      hear_claim(host, about, packet.update_epoch(), packet.update_slots());
    }
  } else if (packet.type() == MessageType::kFail) {
    if (const auto failed = NodeId::parse(packet.failed())) record(host).told_failed.insert(*failed);
  }
}

void Witness::hear_claim(const Host& host, const NodeId& claimant, Epoch epoch, std::string_view slots) {
  if (claimant == host.node().id()) return;
  Record& memory = record(host);
  Claim& last = memory.claims[claimant];
  if (last.epoch == epoch && last.slots == slots) return;
  last = {epoch, std::string(slots)};
  if (!memory.claimed) memory.claimed = std::make_unique<ClaimedEpochs>();
  SlotBitmap::from_wire(slots).for_each([&](Slot slot) {
    auto& newest = (*memory.claimed)[slot.value];
    newest = std::max(newest, epoch);
  });
  memory.heard_new_claim = true;
}

void Witness::hear_reports(const Host& host, const PacketView& packet) {
  Record& memory = record(host);
  const NodeId reporter = packet.sender_id();
  for (std::size_t i = 0; i < packet.gossip_count(); ++i) {
    const auto entry = packet.gossip(i);
    const auto about = NodeId::parse(entry.id);
    if (!about) continue;
    if (entry.says_failed) {
      memory.reports[*about][reporter] = host.now().mono;
    } else if (const auto found = memory.reports.find(*about); found != memory.reports.end()) {
      found->second.erase(reporter);
    }
  }
}

void Witness::on_sent(const Host& host, const SendPacket& effect) {
  Record& memory = record(host);
  const PacketView packet{*effect.bytes};
  if (memory.last_checked_packet != effect.bytes.get()) check_promises(host, packet);
  memory.last_checked_packet = effect.bytes.get();
  memory.shown_epoch = std::max(memory.shown_epoch, packet.current_epoch());
  if (effect.type == MessageType::kAuthAck) check_vote(host, packet, effect.link);
  const std::size_t most = kMostLinkBytes + kLinkBytesForAMember * ids_.size();
  if (host.link_bytes(effect.link) > most) broken(host, "lets a link's queue grow without bound");
}

void Witness::check_promises(const Host& host, const PacketView& packet) {
  const ClusterNode& node = host.node();
  // Who must not show that it is there asks as nobody, and so promises nothing.
  const bool is_of_nobody = packet.type() == MessageType::kPing && packet.current_epoch() == Epoch{} &&
                            packet.config_epoch() == Epoch{} && packet.gossip_count() == 0 &&
                            !ids_.contains(packet.sender_id()) && SlotBitmap::from_wire(packet.slots()).empty();
  if (is_of_nobody) return;
  if (packet.sender() != node.id().view()) return broken(host, "speaks in another's name");
  const auto& disk = host.durable();
  if (!disk) return broken(host, "speaks before its identity is on its disk");
  if (packet.current_epoch() > disk->current_epoch) {
    broken(host, fmt::format("shows current epoch {} while its disk has {}", packet.current_epoch().value,
                             disk->current_epoch.value));
  }
  if (packet.type() == MessageType::kAuthAck && packet.current_epoch() > disk->last_vote_epoch) {
    broken(host, fmt::format("votes in epoch {} while its disk remembers a vote in {}",
                             packet.current_epoch().value, disk->last_vote_epoch.value));
  }
  // A packet held back for one save may leave after the next: an older claim than the disk's
  // is as harmless as one that was long on its way.
  if (!packet.is_from_primary() || packet.config_epoch() < disk->config_epoch) return;
  const bool claims_any = !SlotBitmap::from_wire(packet.slots()).empty();
  if (claims_any && packet.config_epoch() > disk->config_epoch) {
    broken(host, fmt::format("claims slots with config epoch {} while its disk has {}",
                             packet.config_epoch().value, disk->config_epoch.value));
  }
  if (claims_any && !is_subset(packet.slots(), record(host).durable.slots)) {
    broken(host, "claims slots that its disk does not have");
  }
}

void Witness::check_vote(const Host& host, const PacketView& packet, LinkId link) {
  const auto candidate = host.link_target(link);
  if (!candidate) return;  // the link is gone, and the vote with it
  const auto [vote, is_first] = votes_.try_emplace({host.node().id(), packet.current_epoch()}, *candidate);
  if (!is_first && vote->second != *candidate) {
    broken(host, fmt::format("votes twice in epoch {}", packet.current_epoch().value));
  }
}

// What the primary's write lease rests on. Called when the vote is decided, which is before
// it is saved and leaves.
void Witness::check_cause(const Host& voter, NodeIndex candidate) {
  const Topology& topology = voter.node().topology();
  const Record& memory = record(voter);
  const NodeIndex primary = topology.node(candidate).primary;
  if (primary.is_none()) return;
  const MonoTime now = voter.now().mono;
  const auto timeout = voter.settings().node_timeout;
  const auto heard = memory.last_ping.find(topology.node(primary).id);
  if (heard != memory.last_ping.end() && now - heard->second < timeout) {
    broken(voter, fmt::format("votes for {} though it has heard its primary {} ms ago",
                              topology.node(candidate).id.view(),
                              std::chrono::duration_cast<milliseconds>(now - heard->second).count()));
  }
  if (now - memory.started < timeout) {
    broken(voter, fmt::format("votes {} ms after its start",
                              std::chrono::duration_cast<milliseconds>(now - memory.started).count()));
  }
}

void Witness::check_promotion(const Host& winner) {
  const Topology& topology = winner.node().topology();
  const Epoch epoch = topology.self().config_epoch;
  const PromotionKind kind = winner.promotion_kind();
  winner.note_promotion(kind);
  data_.on_promoted(winner, kind);
  if (kind == PromotionKind::kTakenOver) return;
  const auto votes = static_cast<std::size_t>(std::count_if(votes_.begin(), votes_.end(), [&](const auto& vote) {
    return vote.first.second == epoch && vote.second == winner.machine();
  }));
  if (votes < topology.voter_count() / 2 + 1) {
    broken(winner, fmt::format("is promoted in epoch {} with {} votes of {}", epoch.value, votes,
                               topology.voter_count()));
  }
  // Of two shards that is for the clash rule: their elections may have had different voters.
  const SlotBitmap slots = topology.slots_of(kSelf);
  const auto [won, is_first] = won_epochs_.try_emplace(epoch, slots);
  bool is_won_twice = false;
  if (!is_first) won->second.for_each([&](Slot slot) { is_won_twice = is_won_twice || slots.has(slot); });
  if (is_won_twice) broken(winner, fmt::format("wins epoch {}, which was won before", epoch.value));
  topology.for_each_node([&](NodeIndex index, const Node& node) {
    if (index == kSelf || !node.is_primary() || node.config_epoch != epoch) return;
    if (epochs_without_votes_.contains(epoch) || !is_first) return;  // the clash rule will tell them apart
    broken(winner, fmt::format("wins epoch {}, but {} has {}", epoch.value, node.id.view(), node.config_epoch.value));
  });
}

std::optional<ConfFacts> Witness::on_save(const Host& host, const UnsavedState& state, const Content& content) {
  const auto facts = depth_ == Depth::kFull ? read_conf(content.text()) : promised(state.state);
  if (!facts) {
    broken(host, "saves a nodes.conf without itself or its epochs");
    return facts;
  }
  if (const auto& disk = host.durable()) {
    if (facts->current_epoch < disk->current_epoch) broken(host, "saves an older current epoch");
    if (facts->last_vote_epoch < disk->last_vote_epoch) broken(host, "saves an older vote");
  }
  if (depth_ == Depth::kLight) return facts;
  const auto parsed = parse_nodes_conf(content.text());
  if (!parsed) broken(host, "saves a nodes.conf it could not read: " + parsed.error().message());
  return facts;
}

void Witness::on_durable(const Host& host) {
  if (!host.durable()) return;
  const ConfFacts& disk = *host.durable();
  Claim& held = record(host).durable;
  std::string slots(disk.slots.wire());
  if (held.epoch == disk.config_epoch && !held.slots.empty()) {
    for (std::size_t i = 0; i < slots.size(); ++i) slots[i] = static_cast<char>(slots[i] | held.slots[i]);
  }
  held = {disk.config_epoch, std::move(slots)};
  data_.on_durable(host);
}

void Witness::after_step(const Host& host) {
  const ClusterNode& node = host.node();
  Record& memory = record(host);
  if (node.current_epoch() < memory.current_epoch) {
    broken(host, fmt::format("goes back from current epoch {} to {}", memory.current_epoch.value,
                             node.current_epoch().value));
  }
  if (node.last_vote_epoch() < memory.last_vote_epoch) broken(host, "forgets an epoch it voted in");
  memory.current_epoch = node.current_epoch();
  memory.last_vote_epoch = node.last_vote_epoch();
  const Node& self = node.topology().self();
  const bool grew = self.is_primary() && memory.own_epoch != Epoch{} && self.config_epoch > memory.own_epoch;
  const bool is_promoted = memory.was_replica && self.is_voter();
  if (grew && (!is_promoted || host.promotion_kind() == PromotionKind::kTakenOver)) {
    epochs_without_votes_.insert(self.config_epoch);
  }
  memory.own_epoch = self.config_epoch;
  if (is_promoted) check_promotion(host);
  memory.was_replica = self.is_replica();
  if (node.topology().revision() != memory.revision) check_table(host);
  if (memory.heard_new_claim || node.topology().slots_revision() != memory.slots_revision) check_claims(host);
  memory.revision = node.topology().revision();
  memory.slots_revision = node.topology().slots_revision();
  memory.heard_new_claim = false;
  memory.told_failed.clear();
}

void Witness::check_table(const Host& host) {
  const Topology& topology = host.node().topology();
  auto& seen = record(host).seen;
  seen.resize(topology.index_limit());
  topology.for_each_node([&](NodeIndex index, const Node& node) {
    Seen& before = seen[index.value];
    if (before.id != node.id || before.address != node.address || before.flags != node.flags ||
        before.config_epoch != node.config_epoch) {
      check_entry(host, index, node);
      before = {node.id, node.config_epoch, node.flags, node.address};
    }
  });
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (!topology.contains(NodeIndex{static_cast<std::uint16_t>(i)})) seen[i] = {};
  }
  // Every member at most once by its own name, and a handshake or two with each address.
  if (topology.node_count() > ids_.size() + 2 * addresses_.size())
    broken(host, "lets its table grow without bound");
}

void Witness::check_entry(const Host& host, NodeIndex index, const Node& node) {
  const Seen& before = record(host).seen[index.value];
  const bool is_known = before.id == node.id;
  if (!node.in_handshake() && !ids_.contains(node.id)) {
    broken(host, fmt::format("knows {}, a node that never was", node.id.view()));
  }
  const NodeAddress& address = node.address;
  const bool has_address = !address.ip.empty() && !node.flags.has(NodeFlag::kNoAddress);
  if (has_address && index != kSelf &&
      (!addresses_.contains({address.ip, address.port}) || address.bus_port != address.port + 10000)) {
    broken(host, fmt::format("believes {} at {}:{}@{}, where nobody ever was", node.id.view(), address.ip,
                             address.port, address.bus_port));
  }
  if (is_known && before.flags.has(NodeFlag::kPrimary) && node.is_primary() &&
      node.config_epoch < before.config_epoch) {
    broken(host, fmt::format("lets the config epoch of {} go back from {} to {}", node.id.view(),
                             before.config_epoch.value, node.config_epoch.value));
  }
  if (is_known && node.has_failed() && !before.flags.has(NodeFlag::kFail)) check_quorum(host, node);
}

void Witness::check_quorum(const Host& host, const Node& failed) {
  if (depth_ == Depth::kLight) return;
  const Record& memory = record(host);
  if (memory.told_failed.contains(failed.id)) return;
  const Topology& topology = host.node().topology();
  const MonoTime oldest = host.now().mono - 2 * host.settings().node_timeout - seconds{1};
  std::size_t words = topology.self().is_primary() ? 1 : 0;
  if (const auto found = memory.reports.find(failed.id); found != memory.reports.end()) {
    for (const auto& [reporter, at] : found->second) words += at >= oldest ? 1 : 0;
  }
  if (words < topology.voter_count() / 2 + 1) {
    broken(host, fmt::format("calls {} failed by the word of {} of {} primaries", failed.id.view(), words,
                             topology.voter_count()));
  }
}

void Witness::check_claims(const Host& host) {
  const Record& memory = record(host);
  const Topology& topology = host.node().topology();
  if (!memory.claimed || !topology.self().is_primary()) return;
  for (const auto& [first, last] : topology.slot_ranges_of(kSelf)) {
    for (Slot slot = first; slot <= last; ++slot.value) {
      const Epoch newest = (*memory.claimed)[slot.value];
      if (newest <= topology.self().config_epoch || !topology.importing_from(slot).is_none()) continue;
      return broken(host, fmt::format("keeps slot {} with epoch {} though it has heard a claim with epoch {}",
                                      slot.value, topology.self().config_epoch.value, newest.value));
    }
  }
}

}  // namespace skein::sim
