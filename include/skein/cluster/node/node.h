// One member of a cluster: everything it decides, and nothing it touches.
//
// The daemon and the simulator run this very object. It is told what happened (a packet, a
// link, a tick, an operator's command) and what the time is; afterwards `take_effects`
// gives what is to be done, in order. It joins the machines of gossip and failover and
// adds what concerns the member as a whole: links, handshakes, addresses, slot claims, epoch
// clashes, nodes.conf.
//
// The owner: calls on_tick every 100 ms; carries out effects in the order given; gives
// packets whole, as `judge_frame` cuts them; reports links and saves. Late, early or
// repeated calls do no harm.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <skein/base/ids.h>
#include <skein/base/random.h>
#include <skein/base/result.h>
#include <skein/base/time.h>
#include <skein/cluster/failover/lease.h>
#include <skein/cluster/node/doctor_report.h>
#include <skein/cluster/node/effects.h>
#include <skein/cluster/node/saved_state.h>
#include <skein/cluster/node/settings.h>
#include <skein/cluster/node/views.h>
#include <skein/cluster/topology/topology.h>

namespace skein {

inline constexpr milliseconds kClusterTick{100};

// What the member must know of the keys it holds.
class SlotKeys {
 public:
  virtual ~SlotKeys() = default;
  [[nodiscard]] virtual std::uint64_t keys_in(Slot slot) const = 0;
  [[nodiscard]] virtual std::uint64_t total_keys() const = 0;
};

// Where a packet came from, as the socket tells.
struct PacketOrigin {
  LinkId link;
  std::string_view remote_ip;  // the sender's, as text
  std::string_view local_ip;   // this node's end of the connection
};

// What only the owner knows: how good this node's data is.
struct DataFacts {
  ReplOffset offset;           // a primary's own, or what a replica has processed
  bool primary_link_up = true; // of a replica
  // Of a replica: for how long nothing has come from its primary; max() when it has not had its data since it
  // began to follow it, or since the link was made anew.
  milliseconds primary_silence = milliseconds::max();
  std::string sync_trouble{};  // of a replica: why its full syncs are in vain; empty: they are not
  // A data set is all there: none is being loaded, nor was one that could not be loaded to its end.
  bool is_whole = true;
  // Of a primary: how many replicas follow its stream, and were heard lately. Nothing: the owner does not tell.
  std::optional<std::size_t> replicas_in_sync = std::nullopt;
};

// How far a replica has acknowledged this primary's stream: newer than what its packets say.
struct AcknowledgedOffset {
  std::string ip;
  std::uint16_t port = 0;  // of clients
  ReplOffset offset;
};

class ClusterNode {
 public:
  // Goes on from `saved`, or begins as a cluster of one with a random id when there is none.
  // The first effects (a save of the new identity, the first state) wait in take_effects.
  // `keys` must outlive the node.
  ClusterNode(NodeSettings settings, std::optional<SavedState> saved, Random random, const SlotKeys& keys, Now now);
  ~ClusterNode();
  ClusterNode(ClusterNode&&) noexcept;
  ClusterNode& operator=(ClusterNode&&) = delete;

  // What happened. `take_effects` after each.
  void on_tick(Now now);
  void on_wake(Now now);  // as asked for by WakeAt
  void on_link_up(LinkId link, Now now);    // an outbound one, as asked for by OpenLink
  void on_link_down(LinkId link, Now now);  // any; also an outbound one that could not be opened
  // `bytes` is one whole packet of a link that is up. What breaks a rule of the format is
  // counted and changes nothing.
  void on_packet(const PacketOrigin& origin, std::string_view bytes, Now now);
  void on_saved(SaveTicket ticket, Now now);
  void on_settings(NodeSettings settings, Now now);  // CONFIG SET
  // At each tick, and at the end of a turn while `wants_data` says so.
  void on_data(DataFacts facts, Now now);
  // A takeover waits for the data to reach an offset.
  [[nodiscard]] bool wants_data() const;

  // What is to be done since the last call. Empty costs nothing.
  [[nodiscard]] Effects take_effects();

  // The operator's commands. Arguments are those after the subcommand's name, as texts; an
  // error's message is the whole error reply without the `-` ("ERR Unknown node ...").
  // A wrong number of arguments is the caller's to refuse.
  using Args = std::span<const std::string_view>;
  Result<void> meet(Args ip_port_busport, Now now);
  Result<void> add_slots(Args slots, Now now);
  Result<void> add_slot_ranges(Args pairs, Now now);
  Result<void> del_slots(Args slots, Now now);
  Result<void> del_slot_ranges(Args pairs, Now now);
  Result<void> flush_slots(Now now);
  Result<void> set_slot(Args slot_action_node, Now now);
  Result<void> replicate(std::string_view id, Now now);
  Result<void> forget(std::string_view id, Now now);
  Result<void> reset(Args hard_or_soft, Now now);
  Result<void> set_config_epoch(std::string_view epoch, Now now);
  Result<std::string> bump_epoch(Now now);  // the status: "BUMPED 4" or "STILL 4"
  Result<void> failover(Args options, Now now);
  void save_config(Now now);
  [[nodiscard]] Result<std::int64_t> count_failure_reports(std::string_view id, Now now);
  [[nodiscard]] Result<std::vector<std::string>> replicas(std::string_view id, Now now) const;  // lines of CLUSTER NODES

  // This node is about to end: its most advanced replica is to take over first. Ends with
  // HandoverEnded, at once when there is nobody to hand over to.
  void begin_handover(Now now, std::span<const AcknowledgedOffset> replicas = {});
  void abandon_handover(Now now);

  // Until when this node, as a primary, may execute and acknowledge writes: failover/lease.h.
  // MonoTime::max() when nobody could replace it; in the past while in doubt.
  [[nodiscard]] MonoTime write_lease_end() const;
  [[nodiscard]] LeaseFigures lease_figures() const;
  // Whether what this node says of slots is its own to say. Not without the lease, and not while it
  // has just started, when it may have been replaced: others believe it, and a new epoch in its old
  // name would take back everything its successor has. Where the cluster is down otherwise it is the
  // operator's to repair. Nor while it yields, when a replica is being elected.
  [[nodiscard]] bool may_assign_slots(bool holds_lease, MonoTime now) const;
  // A replica is taking over on request: until ResumeWriters, or it has ended.
  [[nodiscard]] bool is_yielding() const;
  // Grows whenever writes may go on that could not before.
  [[nodiscard]] std::uint64_t lease_renewals() const;
  // The owner has found no data to load, before the first tick or once that is known. With slots
  // and replicas the node lets itself be replaced (failover/cautious_start.h); else nothing.
  void hold_back_without_data(Now now);
  // It does so now: no replica is served, no client's keys.
  [[nodiscard]] bool is_holding_back() const;

  // CLUSTER DOCTOR: findings, each with its cure, and the last decisions; as data and for people.
  [[nodiscard]] DoctorReport doctor_report(Now now) const;
  [[nodiscard]] std::string doctor_text(Now now) const;
  [[nodiscard]] FindingCounts count_findings(Now now) const;

  // What a save that began now would write.
  [[nodiscard]] UnsavedState unsaved_state(Now now) const;
  // What CLUSTER NODES, SLOTS, SHARDS, INFO, LINKS show.
  [[nodiscard]] std::string nodes_text(Now now, bool client_uses_tls = false) const;
  [[nodiscard]] std::vector<SlotsEntry> slots_view(bool client_uses_tls = false) const;
  [[nodiscard]] std::vector<Shard> shards_view() const;
  [[nodiscard]] std::vector<LinkView> links_view(Now now) const;
  [[nodiscard]] ClusterInfo info() const;

  // The state, for the router, INFO and the simulator's invariants.
  [[nodiscard]] const Topology& topology() const;
  [[nodiscard]] const NodeId& id() const { return topology().self().id; }
  [[nodiscard]] ClusterState state() const;
  [[nodiscard]] Epoch current_epoch() const;
  [[nodiscard]] Epoch last_vote_epoch() const;
  // True while something that promises durability waits for a save.
  [[nodiscard]] bool is_saving() const;
  // Whether a member has spoken by this inbound link.
  [[nodiscard]] bool knows_link(LinkId link) const;
  // Others have named it, and it has not answered yet.
  [[nodiscard]] bool is_hearsay(NodeIndex index) const;
  // Packets refused because they broke a rule of the format.
  [[nodiscard]] std::uint64_t refused_packets() const;
  [[nodiscard]] const NodeSettings& settings() const;

 private:
  class Member;
  std::unique_ptr<Member> member_;
};

}  // namespace skein
