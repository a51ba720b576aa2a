// ClusterNode's face: every input and command goes to the member and ends settled.
#include <skein/cluster/node/node.h>

#include "member.h"

namespace skein {

namespace {

// Commands change the state as packets do, so they end the same way.
template <typename Member, typename Outcome>
Outcome settled(Member& member, Now now, Outcome outcome) {
  member.settle(now);
  return outcome;
}

}  // namespace

ClusterNode::ClusterNode(NodeSettings settings, std::optional<SavedState> saved, Random random, const SlotKeys& keys,
                         Now now)
    : member_(std::make_unique<Member>(std::move(settings), std::move(saved), random, keys, now)) {}
ClusterNode::~ClusterNode() = default;
ClusterNode::ClusterNode(ClusterNode&&) noexcept = default;

void ClusterNode::on_tick(Now now) { member_->on_tick(now); }
void ClusterNode::on_wake(Now now) { member_->on_wake(now); }
void ClusterNode::on_link_up(LinkId link, Now now) { member_->on_link_up(link, now); }
void ClusterNode::on_link_down(LinkId link, Now now) { member_->on_link_down(link, now); }
void ClusterNode::on_packet(const PacketOrigin& origin, std::string_view bytes, Now now) {
  member_->on_packet(origin, bytes, now);
}
void ClusterNode::on_saved(SaveTicket ticket, Now now) { member_->on_saved(ticket, now); }
void ClusterNode::on_settings(NodeSettings settings, Now now) { member_->on_settings(std::move(settings), now); }
void ClusterNode::on_data(DataFacts facts, Now now) { member_->on_data(facts, now); }
bool ClusterNode::wants_data() const { return member_->wants_data(); }
Effects ClusterNode::take_effects() { return member_->take_effects(); }

Result<void> ClusterNode::meet(Args args, Now now) { return settled(*member_, now, member_->meet(args, now)); }
Result<void> ClusterNode::add_slots(Args slots, Now now) {
  return settled(*member_, now, member_->edit_slots(Member::SlotEdit::kAdd, slots));
}
Result<void> ClusterNode::add_slot_ranges(Args pairs, Now now) {
  return settled(*member_, now, member_->edit_slot_ranges(Member::SlotEdit::kAdd, pairs));
}
Result<void> ClusterNode::del_slots(Args slots, Now now) {
  return settled(*member_, now, member_->edit_slots(Member::SlotEdit::kDelete, slots));
}
Result<void> ClusterNode::del_slot_ranges(Args pairs, Now now) {
  return settled(*member_, now, member_->edit_slot_ranges(Member::SlotEdit::kDelete, pairs));
}
Result<void> ClusterNode::flush_slots(Now now) { return settled(*member_, now, member_->flush_slots()); }
Result<void> ClusterNode::set_slot(Args args, Now now) { return settled(*member_, now, member_->set_slot(args, now)); }
Result<void> ClusterNode::replicate(std::string_view id, Now now) {
  return settled(*member_, now, member_->replicate(id, now));
}
Result<void> ClusterNode::forget(std::string_view id, Now now) {
  return settled(*member_, now, member_->forget(id, now));
}
Result<void> ClusterNode::reset(Args args, Now now) { return settled(*member_, now, member_->reset(args, now)); }
Result<void> ClusterNode::set_config_epoch(std::string_view epoch, Now now) {
  return settled(*member_, now, member_->set_config_epoch(epoch));
}
Result<std::string> ClusterNode::bump_epoch(Now now) { return settled(*member_, now, member_->bump_epoch()); }
Result<void> ClusterNode::failover(Args options, Now now) {
  return settled(*member_, now, member_->failover(options, now));
}
void ClusterNode::begin_handover(Now now, std::span<const AcknowledgedOffset> replicas) {
  member_->begin_handover(now, replicas);
  member_->settle(now);
}
void ClusterNode::abandon_handover(Now now) {
  member_->abandon_handover(now);
  member_->settle(now);
}
void ClusterNode::hold_back_without_data(Now now) {
  member_->hold_back_without_data(now);
  member_->settle(now);
}
bool ClusterNode::is_yielding() const { return member_->is_yielding(); }
bool ClusterNode::may_assign_slots(bool holds_lease, MonoTime now) const {
  return member_->may_assign_slots(holds_lease, now);
}
MonoTime ClusterNode::write_lease_end() const { return member_->write_lease_end(); }
LeaseFigures ClusterNode::lease_figures() const { return member_->lease_figures(); }
std::uint64_t ClusterNode::lease_renewals() const { return member_->lease_renewals(); }
bool ClusterNode::is_holding_back() const { return member_->is_holding_back(); }
DoctorReport ClusterNode::doctor_report(Now now) const { return member_->doctor_report(now.mono); }
FindingCounts ClusterNode::count_findings(Now now) const { return member_->count_own_findings(now.mono); }
std::string ClusterNode::doctor_text(Now now) const { return format_report(doctor_report(now)); }
UnsavedState ClusterNode::unsaved_state(Now now) const { return member_->unsaved_state(now); }
void ClusterNode::save_config(Now now) {
  member_->save_config();
  member_->settle(now);
}
Result<std::int64_t> ClusterNode::count_failure_reports(std::string_view id, Now now) {
  return member_->count_failure_reports(id, now);
}
Result<std::vector<std::string>> ClusterNode::replicas(std::string_view id, Now now) const {
  return member_->replicas(id, now);
}

std::string ClusterNode::nodes_text(Now now, bool client_uses_tls) const {
  return member_->nodes_text(now, client_uses_tls);
}
std::vector<SlotsEntry> ClusterNode::slots_view(bool client_uses_tls) const {
  return member_->slots_view(client_uses_tls);
}
std::vector<Shard> ClusterNode::shards_view() const { return member_->shards_view(); }
std::vector<LinkView> ClusterNode::links_view(Now now) const { return member_->links_view(now); }
ClusterInfo ClusterNode::info() const { return member_->info(); }

const Topology& ClusterNode::topology() const { return member_->topology(); }
ClusterState ClusterNode::state() const { return member_->state(); }
Epoch ClusterNode::current_epoch() const { return member_->current_epoch(); }
Epoch ClusterNode::last_vote_epoch() const { return member_->last_vote_epoch(); }
bool ClusterNode::is_saving() const { return member_->is_saving(); }
bool ClusterNode::knows_link(LinkId link) const { return member_->knows_link(link); }
bool ClusterNode::is_hearsay(NodeIndex index) const { return member_->is_hearsay(index); }
std::uint64_t ClusterNode::refused_packets() const { return member_->refused_packets(); }
const NodeSettings& ClusterNode::settings() const { return member_->settings(); }

}  // namespace skein
