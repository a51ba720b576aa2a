// The inside of ClusterNode: its state and what is done on each input.
//
// The functions are spread over several sources by what they concern: inputs and saving
// (member.cc), packets (packets.cc), heartbeats (heartbeats.cc), links (links.cc), addresses
// (addresses.cc), handshakes (meets.cc), nodes that are only named by others (hearsay.cc),
// FORGET (forgetting.cc), roles and slot claims (claims.cc), epochs and votes (votes.cc), slots that move
// (open_slots.cc), a replica's election (elections.cc), taking over on request (takeovers.cc),
// the right to write (write_lease.cc), starting without data (caution.cc), operator's commands
// (commands.cc), what operators are told of decisions (decisions.cc) and of the whole (doctor_report.cc), replies as
// data (views.cc).
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <skein/base/log_pace.h>
#include <skein/cluster/bus/packet.h>
#include <skein/cluster/failover/cautious_start.h>
#include <skein/cluster/failover/data_age.h>
#include <skein/cluster/failover/election.h>
#include <skein/cluster/failover/election_queue.h>
#include <skein/cluster/failover/lease.h>
#include <skein/cluster/failover/orphans.h>
#include <skein/cluster/failover/takeover.h>
#include <skein/cluster/failover/voting.h>
#include <skein/cluster/gossip/health.h>
#include <skein/cluster/node/doctor.h>
#include <skein/cluster/node/node.h>

#include "bans.h"
#include "handshake_places.h"
#include "hearsay_rate.h"
#include "node_lines.h"
#include "outbox.h"
#include "packet_drops.h"
#include "slot_news.h"

namespace skein {

// A member's bus connections, and what its headers last claimed.
struct NodeLinks {
  LinkId out;
  bool out_is_up = false;
  MonoTime out_created{};
  LinkId in;
  MonoTime in_created{};
  std::string in_at;         // at which address of this node it ends
  NodeAddress not_at;        // another node has answered there
  MonoTime not_at_since{};
  // The claim that changed nothing when it was last compared, with what it was compared to.
  SlotRuns claim;
  Epoch claim_epoch;
  std::uint64_t claim_stamp = 0;  // 0: compare again
  MonoTime claim_since{};         // when it first said so
  Epoch told_epoch;               // the newest config epoch in its own headers
  MonoTime assigned{};            // when SETSLOT last gave it a slot here
  MonoTime out_lost{};            // when `out`, having been up, last broke
  std::vector<ShownSlot> open_slots;  // on their way, as it shows everybody
  MonoTime open_since{};              // when that last changed
};

class ClusterNode::Member {
 public:
  Member(NodeSettings settings, std::optional<SavedState> saved, Random random, const SlotKeys& keys, Now now);

  // Inputs.
  void on_tick(Now now);
  void on_wake(Now now);
  void on_link_up(LinkId link, Now now);
  void on_link_down(LinkId link, Now now);
  void on_packet(const PacketOrigin& origin, std::string_view bytes, Now now);
  void on_saved(SaveTicket ticket, Now now);
  void on_settings(NodeSettings settings, Now now);
  void on_data(DataFacts facts, Now now);
  bool wants_data() const;
  Effects take_effects();

  // Commands.
  Result<void> meet(Args args, Now now);
  enum class SlotEdit { kAdd, kDelete };
  Result<void> edit_slots(SlotEdit edit, Args slots);
  Result<void> edit_slot_ranges(SlotEdit edit, Args pairs);
  Result<void> flush_slots();
  Result<void> set_slot(Args args, Now now);
  Result<void> replicate(std::string_view id, Now now);
  Result<void> forget(std::string_view id, Now now);
  Result<void> reset(Args args, Now now);
  Result<void> set_config_epoch(std::string_view epoch);
  Result<std::string> bump_epoch();
  Result<void> failover(Args options, Now now);
  void begin_handover(Now now, std::span<const AcknowledgedOffset> acknowledged);
  void abandon_handover(Now now);
  void hold_back_without_data(Now now);
  void save_config() { outbox_.want_save(); }
  Result<std::int64_t> count_failure_reports(std::string_view id, Now now);
  Result<std::vector<std::string>> replicas(std::string_view id, Now now) const;
  // Every command ends with it, whatever came out: state, replication target, save.
  void settle(Now now);

  // Views.
  std::string nodes_text(Now now, bool client_uses_tls) const;
  UnsavedState unsaved_state(Now now) const;
  std::vector<SlotsEntry> slots_view(bool client_uses_tls) const;
  std::vector<Shard> shards_view() const;
  std::vector<LinkView> links_view(Now now) const;
  ClusterInfo info() const;
  MonoTime write_lease_end() const;
  LeaseFigures lease_figures() const;
  bool may_assign_slots(bool holds_lease, MonoTime now) const;
  bool is_yielding() const { return yield_.is_under_way() || !gone_to_.is_none(); }
  std::uint64_t lease_renewals() const { return lease_.renewals(); }
  bool is_holding_back() const;
  DoctorReport doctor_report(MonoTime now) const;
  FindingCounts count_own_findings(MonoTime now) const;

  const Topology& topology() const { return topology_; }
  ClusterState state() const { return state_; }
  Epoch current_epoch() const { return voter_.current_epoch; }
  Epoch last_vote_epoch() const { return voter_.last_vote_epoch; }
  bool is_saving() const { return outbox_.is_waiting(); }
  bool knows_link(LinkId link) const;
  bool is_hearsay(NodeIndex index) const { return health_.at(index).hearsay; }
  std::uint64_t refused_packets() const { return refused_packets_; }
  const NodeSettings& settings() const { return settings_; }

 private:
  // A primary that starts waits this long before it serves, so that news of a failover while
  // it was away reach it first.
  static constexpr milliseconds kStartDelay{2000};

  struct Decision {
    UnixMillis at;
    std::string verdict;
    std::string text;
    std::unique_ptr<SlotChange> slots;  // of a change that the next one of its kind is added to
  };
  struct LeftAddress {
    NodeId id;
    NodeAddress address;
    MonoTime at;
  };
  // A packet of a member, as the handlers see it.
  struct Arrival {
    const PacketOrigin& origin;
    const Packet& packet;
    NodeIndex sender = kNoNode;      // the member its id names; none: unknown
    NodeIndex link_node = kNoNode;   // whose outbound link it came by; none: an inbound link
    bool sender_is_settled = false;  // known, and past its handshake
    Now now;
  };

  // member.cc
  void start_identity(std::optional<SavedState> saved, Now now);
  void announce_self();
  void refresh_state(MonoTime now);
  ClusterState judge_state(MonoTime now);
  bool is_starting(MonoTime now) const { return now - started_ < kStartDelay && !was_elected_; }
  void refresh_replication();
  void note_data(MonoTime now);
  void save_lazily() { outbox_.want_save(); }
  void save_first() { outbox_.mark_barrier(); }
  void log(EventLevel level, std::string text) { outbox_.push(LogEvent{level, std::move(text)}); }
  const Node& self() const { return topology_.self(); }
  NodeHealth& health(NodeIndex index) { return health_.at(index); }
  NodeLinks& links(NodeIndex index) { return links_[index.value]; }
  const NodeLinks& links(NodeIndex index) const { return links_[index.value]; }
  std::optional<NodeIndex> add_node(Node node, MonoTime now);
  void remove_node(NodeIndex index);
  // Grows when a claim judged before might be judged otherwise now.
  std::uint64_t claim_stamp() const { return topology_.slots_revision() + epoch_changes_; }
  void set_config_epoch_of(NodeIndex index, Epoch epoch);
  // Calls `visit(NodeIndex)` for every member but this one; `visit` may add and remove nodes.
  template <typename Visit>
  void each_other(Visit&& visit) {
    for (std::size_t i = 1; i < topology_.index_limit(); ++i) {
      const NodeIndex index{static_cast<std::uint16_t>(i)};
      if (topology_.contains(index)) visit(index);
    }
  }

  // packets.cc
  std::string_view find_fault(const Packet& packet, NodeIndex sender, MonoTime now);
  void note_drop(const PacketOrigin& origin, const NodeId& named, std::string_view reason, Now now);
  MonoTime last_leap_{};
  PacketDrops drops_;
  LogPace strange_drop_pace_;
  void learn_epochs(const Arrival& arrival);
  void on_heartbeat(Arrival& arrival);
  bool on_answer_by_own_link(Arrival& arrival);
  bool finish_handshake(Arrival& arrival);
  void on_pong(const Arrival& arrival);
  void on_fail(const Arrival& arrival, const FailBody& body);
  void on_update(const Arrival& arrival, const UpdateBody& body);
  void on_gossip(const Arrival& arrival);
  void on_gossip_about_known(const Arrival& arrival, const GossipEntry& entry, NodeIndex index);

  // hearsay.cc: nodes that are named by others alone.
  bool on_gossip_about_unknown(const Arrival& arrival, const GossipEntry& entry);
  bool add_hearsay(Node node, MonoTime now);  // false when there is no room for more
  NodeIndex choose_hearsay_to_drop(MonoTime now) const;
  void end_hearsay(NodeIndex index);  // it has answered, or an operator means it: from now on saved and told on
  void expire_hearsay(NodeIndex index, MonoTime now);
  bool is_only_said(NodeIndex index) const;
  HearsayRate hearsay_rate_;
  std::size_t hearsay_ = 0;  // how many there are

  // forgetting.cc
  void on_forgotten(const Arrival& arrival);
  bool may_forget_unasked(NodeIndex index, MonoTime now) const;
  void learn_again(const Arrival& arrival);
  Bans bans_;

  // meets.cc: handshakes.
  void start_handshake_with_sender(const Arrival& arrival);
  bool is_handshake_under_way(const NodeAddress& address) const;
  void expire_handshake(NodeIndex index, MonoTime now);
  HandshakePlaces places_;  // of those that strangers have begun
  LogPace lost_meet_pace_;
  LogPace no_room_pace_;

  // heartbeats.cc
  void ping_members(Now now);
  void forgive_own_standstill(MonoTime now);
  void open_missing_links(MonoTime now);
  void watch_member(NodeIndex index, Now now);
  void suspect(NodeIndex index, Now now);
  void mark_failed_if_agreed(NodeIndex index, MonoTime now);
  void clear_fail_if_due(NodeIndex index, MonoTime now);
  void send_heartbeat(MessageType type, LinkId link, NodeIndex to, Now now);
  void ping(NodeIndex index, Now now);
  void send_heartbeat(MessageType type, LinkId link, NodeIndex to, std::span<const GossipEntry> gossip,
                      std::span<const ForgottenNode> forgotten, Now now);
  void tell_about(MessageType type, NodeIndex to, std::span<const NodeIndex> about, Now now);
  GossipEntry gossip_about(NodeIndex index, Now now) const;
  void send_bare(MessageType type, NodeIndex to, MonoTime deadline);
  void send_update(NodeIndex to, NodeIndex about);
  void broadcast_fail(NodeIndex failed);
  void broadcast_pong(Now now);
  PacketHeader own_header(MessageType type);
  void send(LinkId link, MessageType type, PacketBytes bytes, MonoTime deadline = {});
  void send_at_once(LinkId link, MessageType type, PacketBytes bytes);  // it shows what is saved alone
  bool may_speak_by(LinkId link) const;
  std::uint32_t wire_seconds(MonoTime time, Now now) const;

  // links.cc
  bool open_link(NodeIndex index, MonoTime now);  // true when one was missing and can be tried
  void close_links(NodeIndex index);
  NodeIndex node_of_out_link(LinkId link) const;
  void note_inbound_link(const Arrival& arrival);

  // addresses.cc
  std::string_view announced_host() const;           // empty: none, or one that no host has
  void set_own_ip(std::string_view ip);
  void doubt_own_ip();                               // that of nodes.conf, or of other settings
  void learn_own_ip(const Arrival& arrival);         // PING and MEET
  bool is_own_place(const NodeAddress& address) const;
  NodeAddress address_in(const Arrival& arrival) const;
  void update_address(const Arrival& arrival);
  void learn_address_from(const GossipEntry& entry, NodeIndex index, MonoTime now);
  void adopt_address(NodeIndex index, const NodeAddress& address, MonoTime now);
  void lose_address(NodeIndex index, MonoTime now);  // another node answers there
  bool own_ip_is_sure_ = false;

  // claims.cc
  void learn_role(const Arrival& arrival);
  void set_primary(NodeIndex index);
  void set_replica_of(NodeIndex index, NodeIndex primary);
  // An heir has the place, and so the data, of this node's former primary, or of this node.
  enum class Successor { kHeir, kStranger };
  void become_replica_of(NodeIndex primary, Successor successor, MonoTime now);
  nanoseconds primary_dead_for(MonoTime now) const;
  void close_all_slots();
  void learn_claim(const Arrival& arrival, NodeIndex former);
  void drop_old_claim(const Arrival& arrival);
  struct Claim {
    NodeIndex claimant = kNoNode;
    Epoch epoch;
    NodeIndex former = kNoNode;  // whose replica the claimant has been until now
    Now now;
    std::uint64_t stamp = 0;  // of its own header: the map's, before it changes anything
  };
  void take_claim(const Claim& claim, std::string_view slots);
  bool follow_winner(NodeIndex winner, bool took_ours_alone, MonoTime now);
  bool follow_above(const Claim& claim, bool is_heir);
  bool is_newer(const Claim& claim, Slot slot) const;
  bool is_disowned(const Claim& claim, Slot slot) const;
  void leave_all_to_heir();
  NodeIndex find_heir() const;
  void move_slot(Slot slot, NodeIndex to);
  NodeIndex find_newer_owner(const Arrival& arrival) const;
  struct Heir {
    NodeIndex index = kNoNode;  // a former replica of our shard that has taken slots of it
    MonoTime since{};
  };
  Heir heir_;

  // votes.cc
  void leave_shared_epoch(NodeIndex other, Epoch others_epoch);
  Result<Epoch> take_new_epoch();
  void on_vote_request(const Arrival& arrival);
  void tell_of_missing_slots(const Arrival& arrival);
  void tell_vote(VoteVerdict verdict, const VoteRequest& ask, const VoteFacts& facts, Now now);

  // elections.cc: automatic failover, and where replicas go.
  void run_election(Now now);               // each tick, and after what may carry it further
  void on_vote(const Arrival& arrival);     // AUTH_ACK
  void on_rival(const Arrival& arrival);    // another replica's AUTH_REQUEST, besides the vote
  void spread_suspicion(NodeIndex index, Now now);  // it has just become PFAIL here
  void follow_orphan(Now now);              // replica migration
  void tell_suspicions(Now now);            // what spread_suspicion has gathered, at the end of an input
  void repeat_suspicions();                 // each tick
  void tell_new_primary(Now now);
  bool is_election_due(const Arrival& arrival) const;
  StandingFacts standing_facts(MonoTime now) const;
  Election::Situation election_situation(Now now);
  void ask_rivals(MonoTime now);            // for their offsets
  void ask_for_votes(Now now);
  void repeat_request(Now now);
  void send_request(NodeIndex to, MonoTime now);
  void tell_standing(StandVerdict verdict, const StandingFacts& facts, Now now);
  void tell_election(Election::Step step, const Election::Situation& situation, Now now);
  void replace_primary(std::optional<Epoch> epoch, Now now);
  Election election_;
  ElectionQueue election_queue_;
  ElectionQueue::Turn turn_;
  MonoTime wakes_at_{};                     // for its turn, as asked for last
  Orphans orphans_;
  std::vector<NodeIndex> rivals_;
  MonoTime rivals_asked_{};
  std::uint64_t election_revision_ = 0;  // of the topology, when the election was last looked at
  StandVerdict told_standing_ = StandVerdict::kNotAReplica;
  Election::Step told_step_ = Election::Step::kRest;
  bool has_suspicions_to_tell_ = false;
  bool has_new_primary_ = false;         // and the others are to hear of it
  int ticks_of_news_ = 0;                // while suspicions are told again
  bool was_elected_ = false;             // a majority stands behind this primary

  // takeovers.cc: CLUSTER FAILOVER at both ends, and handing over before the end.
  void run_takeover(Now now);                        // each tick, and when data has come
  void on_takeover_wish(const Arrival& arrival);     // MFSTART, from one of our replicas
  void on_paused_primary(const Arrival& arrival);    // a heartbeat of our primary that says PAUSED
  bool is_handing_over() const;
  void on_all_slots_lost_to(NodeIndex claimant);     // while it hands over
  void on_unpaused_primary(const Arrival& arrival);  // a PING of our primary that does not say PAUSED
  void pursue_bid(Now now);
  void end_takeovers();                              // the role has changed
  void show_pause(MonoTime now);
  TakeoverBid bid_;
  TakeoverYield yield_;
  bool is_leaving_ = false;                          // a replica that asks is handed over to
  NodeId gone_to_;                                   // it has handed over: nothing leaves any more

  // write_lease.cc: failover/lease.h's view of pings and answers.
  void note_ping(NodeIndex index, MonoTime now);     // a PING or MEET leaves by our link
  void note_answer(const Arrival& arrival);          // a PONG has come by our link
  void keep_lease(Now now);                          // each tick
  void judge_lease(Now now);                         // after each input
  void note_own_failure(Now now);                    // somebody calls this node FAIL
  void ping_for_lease(Now now, milliseconds next_look);
  void ping_without_gossip(NodeIndex index, Now now);
  void tell_lease(LeaseVerdict before, Now now);
  void note_own_epoch();                             // it was taken without votes
  void watch_own_epoch();                            // until all replicas have heard of it
  std::optional<Epoch> unheard_epoch_;
  Lease lease_;
  bool writers_were_told_ = false;  // that they wait

  // open_slots.cc: slots on their way, as a shard's replicas know them.
  std::vector<ShownSlot> own_open_slots() const;
  bool shows_open_slots_to(NodeIndex to) const;
  void show_open_slots(Now now);                       // at the end of an input: what has changed
  void show_open_slots_again() { has_new_replica_ = true, own_open_revision_ = 0; }
  void tell_replicas(Now now);
  std::vector<ShownSlot> open_slots_to_show() const;
  struct Claims {
    bool is_primary = false;
    Epoch current_epoch;
    Epoch config_epoch;
    SlotBitmap slots;
    friend bool operator==(const Claims&, const Claims&) = default;
  };
  Claims own_claims() const;
  bool shows_saved_claims() const;                     // to replicas: the present ones are not saved yet
  void on_claims_saved(Now now);
  void learn_open_slots(const Arrival& arrival);
  void note_open_elsewhere(const Arrival& arrival);
  std::vector<ShownSlot> open_slots_for_all() const;
  void drop_given_slots(const Arrival& arrival);
  void forget_shown_slots() { shown_slots_.clear(), given_slots_ = {}, shown_by_ = {}; }
  void take_arrived_slots(std::string_view slots);     // what our failed primary had been given last
  void keep_keys(std::span<const Slot> slots, NodeIndex owner);  // of slots lost to whom they were leaving for
  bool is_delivered(const Claim& claim, Slot slot) const;
  struct Moved {
    Slot slot;
    NodeId other;
    MonoTime at{};
  };
  std::vector<Moved> taken_;  // by SETSLOT NODE from the other, which has not been heard to know it
  // To the other at that time, as delivered and although our epoch is newer: it may be leaving it to us because of that.
  std::vector<Moved> left_;
  bool is_from_former_owner(const Claim& claim, Slot slot) const;
  void settle_moves(const Arrival& arrival);
  bool has_arrived_before(const Claim& claim, Slot slot) const;
  void claim_arrived(std::span<const Slot> slots, Now now);
  void tell_heir_of_slots(const Arrival& arrival);
  bool is_about_predecessor(NodeIndex about, Epoch epoch) const;
  std::vector<Slot> lost_to_predecessor(const Arrival& arrival, const UpdateBody& body) const;
  void open_inherited_slots(std::span<const ShownSlot> shown);  // after a promotion
  void reopen(Slot slot, bool arrives, NodeIndex other);
  void note_heir(NodeIndex former, NodeIndex heir, MonoTime now);  // of a place, after its claim
  bool has_only_arriving_slots() const;
  bool may_have_been_replaced(MonoTime now) const;
  void redirect_open_slots(NodeIndex from, NodeIndex to);
  std::vector<ShownSlot> shown_slots_;                 // by our primary
  SlotBitmap given_slots_;                             // it has stopped claiming them
  LinkId shown_by_;                                    // which link they came by
  std::vector<ShownSlot> told_open_slots_;             // to our replicas, last
  std::uint64_t own_open_revision_ = 0;
  bool has_new_replica_ = false;
  std::optional<Claims> saved_claims_;
  Claims claims_under_way_;                            // of the save that is

  // caution.cc: a primary that starts without its data.
  void watch_caution(Now now);                       // each tick and each packet
  void ask_as_nobody(MessageType type, LinkId link, NodeIndex to, Now now);
  std::string describe_waiting(std::span<const FormerReplica> known) const;
  void end_caution(CautionVerdict verdict, std::span<const FormerReplica> known, Now now);
  CautiousStart caution_;

  // doctor_report.cc: CLUSTER DOCTOR.
  LinkFacts link_facts(NodeIndex index) const;
  template <typename Look>
  auto look_at_self(MonoTime now, Look&& look) const;
  std::vector<Finding> find_closed_ports(MonoTime now) const;
  void watch_ports(Now now);                       // port_watch.cc, each tick
  struct ClosedPort {
    NodeId id;
    bool is_told;
  };
  std::vector<ClosedPort> closed_ports_;           // as found at the last look

  // decisions.cc: a log line that CLUSTER DOCTOR shows again. `verdict` is its name in the code.
  void decide(EventLevel level, std::string_view verdict, std::string text, Now now);
  void decide_soon(std::string_view verdict, std::string text);  // warnings, told by tell_decisions
  void note_slot(std::string_view verdict, Slot slot, NodeIndex from, NodeIndex to);
  void note_slot_owner(Slot slot, NodeIndex to);  // before it changes
  void note_removal(NodeIndex index);
  void note_closed_slots();  // those that are not on their way any more
  void note_lost_handshake(NodeIndex index, MonoTime now);
  void note_twin(const NodeId& id, std::string one, std::string other, MonoTime now);
  void note_own_name(const Arrival& arrival);
  bool note_address(NodeIndex index, const NodeAddress& next, MonoTime now);
  void tell_decisions(Now now);  // what the input has changed of slots, and what was left for later
  std::string describe(const SlotChange& change, const SlotBitmap& slots) const;
  bool is_own_shard(NodeIndex index) const;

  // commands.cc
  Result<NodeIndex> find_named(std::string_view id, std::string_view unknown) const;
  void apply_slot_edit(SlotEdit edit, const SlotBitmap& slots);
  Result<void> check_slot_edit(SlotEdit edit, Slot first, Slot last, SlotBitmap& seen) const;
  Result<void> set_slot_migrating(Slot slot, std::string_view id);
  Result<void> set_slot_importing(Slot slot, std::string_view id);
  Result<void> set_slot_node(Slot slot, std::string_view id, Now now);

  // views.cc
  LineFacts line_facts(NodeIndex index, Now now) const;
  bool is_shown(NodeIndex index) const;
  SlotsNode slots_node(NodeIndex index, bool client_uses_tls) const;
  ShardNode shard_node(NodeIndex index) const;
  ReplOffset shown_offset(NodeIndex index) const;

  NodeSettings settings_;
  Random random_;
  const SlotKeys& keys_;
  Outbox outbox_;
  Topology topology_;
  HealthTable health_;
  std::vector<NodeLinks> links_;
  Voter voter_;
  MonoTime restarted_{};  // of a member that has lived before
  MonoTime promoted_{};   // of a replica that has taken over
  struct Replaced {
    NodeId id;
    Epoch epoch;
  };
  std::optional<Replaced> replaced_;  // the primary whose place it has taken, as it was then
  struct ToldVote {
    NodeIndex candidate = kNoNode;
    Epoch epoch;
    VoteVerdict verdict = VoteVerdict::kNotAVoter;
    friend bool operator==(const ToldVote&, const ToldVote&) = default;
  };
  ToldVote told_vote_;
  DataFacts data_;
  DataAge data_age_;
  bool source_is_untold_ = false;  // the owner still copies from whom this node followed before
  std::deque<Decision> decisions_;  // the last ones, oldest first
  std::vector<std::pair<std::string_view, std::string>> untold_;
  std::vector<SlotChange> slot_changes_;  // of the input being handled
  SlotNews slot_news_;                    // not told yet
  std::vector<ShownSlot> known_open_;     // what was on its way here when an input was last settled
  std::uint64_t known_open_revision_ = 0;
  std::string_view slot_verdict_;         // why an operator's command changes slots
  std::vector<LostHandshake> lost_handshakes_;
  std::vector<TwinSighting> twins_;
  std::vector<LeftAddress> left_addresses_;

  ClusterState state_ = ClusterState::kFail;
  MonoTime started_;
  MonoTime minority_at_{};
  std::uint64_t state_revision_ = 0;  // of the topology when the state was last judged
  std::optional<ReplicateFrom> replicating_;

  std::uint64_t epoch_changes_ = 0;
  std::uint64_t ticks_ = 0;
  MonoTime last_tick_{};
  MonoTime stood_still_at_{};
  std::uint64_t last_link_ = 0;
  std::size_t next_to_open_ = 0;
  std::uint32_t gossip_round_ = 0;
  std::uint64_t refused_packets_ = 0;

  // The bitmap in own headers, and what it was made from.
  SlotBitmap header_slots_;
  std::uint64_t header_slots_revision_ = 0;
  NodeIndex header_slots_of_ = kNoNode;
};

}  // namespace skein
