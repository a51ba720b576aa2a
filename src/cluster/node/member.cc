// A member's identity, its state, and what ends every input: judging the state, the
// replication target and whether to save.
#include "member.h"

#include <fmt/format.h>

#include <algorithm>

#include <skein/base/assert.h>
#include <skein/cluster/gossip/judgement.h>

namespace skein {

namespace {

Node fresh_self(Random& random) {
  Node node;
  node.id = *NodeId::parse(random.hex(NodeId::kSize));
  node.flags = NodeFlag::kMyself | NodeFlag::kPrimary;
  return node;
}

}  // namespace

NodeAddress NodeSettings::announced_ports() const {
  NodeAddress address;
  const std::uint16_t base = tls_cluster ? tls_port : port;
  address.port = base;
  address.plain_port = tls_cluster ? port : 0;
  address.bus_port = bus_port != 0 ? bus_port : static_cast<std::uint16_t>(base + kBusPortAbove);
  if (tls_cluster) {
    if (announce_tls_port != 0) address.port = announce_tls_port;
    if (announce_port != 0) address.plain_port = announce_port;
  } else if (announce_port != 0) {
    address.port = announce_port;
  }
  if (announce_bus_port != 0) address.bus_port = announce_bus_port;
  return address;
}

ClusterNode::Member::Member(NodeSettings settings, std::optional<SavedState> saved, Random random,
                            const SlotKeys& keys, Now now)
    : settings_(std::move(settings)),
      random_(random),
      keys_(keys),
      outbox_(!settings_.bugs.act_before_saving),
      topology_(saved ? saved->topology : Topology(fresh_self(random_))),
      started_(now.mono) {
  if (!saved) {
    log(EventLevel::kNotice, fmt::format("No cluster configuration found, I'm {}", self().id.view()));
    save_first();
  }
  start_identity(std::move(saved), now);
  settle(now);
}

void ClusterNode::Member::start_identity(std::optional<SavedState> saved, Now now) {
  topology_.for_each_node([&](NodeIndex index, const Node&) { health_.on_added(index, now.mono); });
  links_.resize(topology_.index_limit());
  if (saved) {
    restarted_ = now.mono;
    voter_.current_epoch = saved->current_epoch;
    voter_.last_vote_epoch = saved->last_vote_epoch;
    if (settings_.bugs.forget_epoch_on_restart) voter_ = {};
    if (settings_.bugs.lose_slots_on_restart) {
      topology_.slots_of(kSelf).for_each([&](Slot slot) { topology_.set_owner(slot, kNoNode); });
    }
    log(EventLevel::kNotice, fmt::format("Node configuration loaded, I'm {}", self().id.view()));
    each_other([&](NodeIndex index) {
      if (topology_.node(index).has_failed()) health(index).failed_at = now.mono;
    });
    // The newest epoch, and no vote was spent for it: whether anybody heard of it is not known any more.
    const Epoch own = self().config_epoch;
    const bool was_voted_for = voter_.last_vote_epoch >= own;
    if (self().is_primary() && own == voter_.current_epoch && own.value > 0 && !was_voted_for) note_own_epoch();
    topology_.edit(kSelf, [](Node& node) {
      node.flags.clear(NodeFlag::kPfail | NodeFlag::kFail | NodeFlag::kNoAddress);
    });
  }
  announce_self();
  doubt_own_ip();
}

void ClusterNode::Member::announce_self() {
  Node next = self();
  const std::string ip(announced_host().empty() ? std::string_view(next.address.ip) : announced_host());
  next.address = settings_.announced_ports();
  next.address.ip = ip;
  next.hostname = settings_.announce_hostname;
  settings_.replica_no_failover ? next.flags.set(NodeFlag::kNoFailover) : next.flags.clear(NodeFlag::kNoFailover);
  if (next.address == self().address && next.hostname == self().hostname && next.flags == self().flags) return;
  topology_.edit(kSelf, [&](Node& node) { node = next; });
  save_lazily();
}

void ClusterNode::Member::on_settings(NodeSettings settings, Now now) {
  const bool announces_other = settings.announce_ip != settings_.announce_ip;
  const bool announced = !announced_host().empty();
  settings_ = std::move(settings);
  if (announced && announced_host().empty()) topology_.edit(kSelf, [](Node& node) { node.address.ip.clear(); });
  announce_self();
  if (announces_other) doubt_own_ip();
  state_revision_ = 0;
  settle(now);
}

void ClusterNode::Member::on_tick(Now now) {
  ++ticks_;
  forgive_own_standstill(now.mono);
  repeat_suspicions();
  ping_members(now);
  keep_lease(now);
  run_takeover(now);
  run_election(now);
  follow_orphan(now);
  watch_caution(now);
  watch_ports(now);
  // While it is down the state also depends on the time that passes.
  if (state_ == ClusterState::kFail) state_revision_ = 0;
  settle(now);
}

// Only an election waits for less than a tick.
void ClusterNode::Member::on_wake(Now now) {
  wakes_at_ = {};  // a timer may be early
  run_election(now);
  settle(now);
}

void ClusterNode::Member::on_data(DataFacts facts, Now now) {
  const bool wanted = wants_data();
  data_ = facts;
  note_data(now.mono);
  if (!wanted) return;
  if (yield_.on_data()) show_pause(now.mono);
  run_takeover(now);
  settle(now);
}

void ClusterNode::Member::note_data(MonoTime now) {
  if (const NodeIndex primary = self().primary; !primary.is_none()) {
    note_progress(health(kSelf), data_.offset, shown_offset(primary), now);
  }
  if (!data_.is_whole) {
    data_age_.on_lost();
  } else if (self().is_replica()) {
    // What comes from whom it followed before says nothing of whom it follows now.
    if (!source_is_untold_) data_age_.on_silence(data_.primary_silence, now);
  } else if (self().slot_count > 0 && !is_holding_back() && write_lease_end() > now) {
    data_age_.on_serving(now);
  }
}

Effects ClusterNode::Member::take_effects() {
  Effects effects = outbox_.take();
  if (source_is_untold_) {
    source_is_untold_ = std::none_of(effects.begin(), effects.end(), [](const Effect& effect) {
      return std::holds_alternative<ReplicateFrom>(effect);
    });
  }
  return effects;
}

void ClusterNode::Member::on_saved(SaveTicket ticket, Now now) {
  if (outbox_.on_saved(ticket, now.mono)) on_claims_saved(now);
  settle(now);
}

void ClusterNode::Member::settle(Now now) {
  tell_suspicions(now);
  tell_new_primary(now);
  judge_lease(now);
  refresh_state(now.mono);
  refresh_replication();
  show_open_slots(now);
  tell_decisions(now);
  outbox_.begin_save(now.mono, [&] {
    claims_under_way_ = own_claims();
    return unsaved_state(now);
  });
}

void ClusterNode::Member::refresh_state(MonoTime now) {
  if (state_revision_ == topology_.revision()) return;
  state_revision_ = topology_.revision();
  const ClusterState next = judge_state(now);
  if (next == state_) return;
  state_ = next;
  log(EventLevel::kWarning, fmt::format("Cluster state changed: {}", next == ClusterState::kOk ? "ok" : "fail"));
  outbox_.push(StateChanged{next});
}

ClusterState ClusterNode::Member::judge_state(MonoTime now) {
  if (is_holding_back()) return ClusterState::kFail;
  if (self().is_primary() && state_ == ClusterState::kFail && is_starting(now)) return state_;

  const Census& all = topology_.census();
  const bool covered = all.assigned_slots == kSlotCount && all.failed_owners == 0;
  const bool minority = all.reachable_voters < all.voters / 2 + 1 && !settings_.bugs.serve_in_minority;
  if (minority) minority_at_ = now;
  if (minority || (settings_.require_full_coverage && !covered)) return ClusterState::kFail;

  const bool waits = self().is_primary() && minority_at_ != MonoTime{} &&
                     now - minority_at_ < rejoin_delay(settings_.node_timeout);
  return waits ? state_ : ClusterState::kOk;
}

void ClusterNode::Member::refresh_replication() {
  if (!gone_to_.is_none()) return;
  if (self().is_primary()) {
    if (!replicating_) return;
    replicating_.reset();
    outbox_.push(StopReplicating{});
    return;
  }
  if (self().primary.is_none()) return;
  const Node& primary = topology_.node(self().primary);
  // A primary without an address is followed once it has one.
  if (primary.flags.has(NodeFlag::kNoAddress) || primary.address.ip.empty()) return;
  if (replicating_ && replicating_->primary == primary.id && replicating_->ip == primary.address.ip &&
      replicating_->port == primary.address.port) {
    return;
  }
  replicating_ = ReplicateFrom{primary.id, primary.address.ip, primary.address.port};
  source_is_untold_ = true;
  data_age_.on_new_link();
  outbox_.push(*replicating_);
}

UnsavedState ClusterNode::Member::unsaved_state(Now now) const {
  UnsavedState unsaved{{topology_, voter_.current_epoch, voter_.last_vote_epoch}, {}};
  unsaved.lines.resize(topology_.index_limit());
  topology_.for_each_node([&](NodeIndex index, const Node& node) {
    if (!node.in_handshake() && !is_only_said(index)) unsaved.lines[index.value] = line_facts(index, now);
  });
  // What is not written must not be named either.
  topology_.for_each_node([&](NodeIndex index, const Node& node) {
    if (node.primary.is_none() || unsaved.lines[node.primary.value]) return;
    unsaved.state.topology.edit(index, [](Node& edited) { edited.primary = kNoNode; });
  });
  // After a handover this node still shows a primary, but comes back as the replica it has become.
  if (const NodeIndex primary = gone_to_.is_none() ? kNoNode : topology_.find(gone_to_); !primary.is_none()) {
    unsaved.state.topology.edit(kSelf, [&](Node& node) {
      node.flags.clear(NodeFlag::kPrimary | NodeFlag::kMigrateTo).set(NodeFlag::kReplica);
      node.primary = primary;
    });
  }
  return unsaved;
}

std::optional<NodeIndex> ClusterNode::Member::add_node(Node node, MonoTime now) {
  const auto index = topology_.add(std::move(node));
  if (!index) {
    if (no_room_pace_.next(now)) log(EventLevel::kWarning, fmt::format("No room for another node: {} are known", kMaxNodes));
    return std::nullopt;
  }
  health_.on_added(*index, now);
  if (links_.size() <= index->value) links_.resize(std::size_t{index->value} + 1);
  links_[index->value] = {};
  return index;
}

void ClusterNode::Member::remove_node(NodeIndex index) {
  places_.remove(index);
  if (health(index).hearsay) --hearsay_;
  if (topology_.node(index).slot_count > 0) save_first();
  if (!topology_.node(index).in_handshake() && !health(index).hearsay) save_lazily();
  note_removal(index);
  close_links(index);
  topology_.remove(index);
  health_.on_removed(index);
  links_[index.value] = {};
  voter_.forget(index);
  lease_.forget(index);
  if (heir_.index == index) heir_ = {};
}

void ClusterNode::Member::set_config_epoch_of(NodeIndex index, Epoch epoch) {
  if (topology_.node(index).config_epoch == epoch) return;
  topology_.edit(index, [&](Node& node) { node.config_epoch = epoch; });
  ++epoch_changes_;
}

}  // namespace skein
