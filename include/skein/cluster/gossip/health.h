// What this node has heard of each member: times of pings and pongs, suspicions, reports.
//
// Everything here changes all the time and is never saved. Rows are found by the node's
// index in the topology.
#pragma once

#include <cstdint>
#include <vector>

#include <skein/base/ids.h>
#include <skein/base/time.h>
#include <skein/cluster/topology/topology.h>

namespace skein {

// One primary's word that a node is down.
struct FailReport {
  NodeIndex reporter;
  MonoTime at;
};

struct NodeHealth {
  MonoTime added{};
  MonoTime ping_sent{};      // of the ping that waits for its pong; never: none waits
  MonoTime pong_received{};  // own, or newer ones other members told
  MonoTime data_received{};  // any packet of it
  MonoTime failed_at{};      // when it became FAIL
  ReplOffset offset;
  // Of a replica: `in_step_at` is the last time at which it is known to have had all that its primary had written a
  // moment before, and `goal` what the primary had then.
  ReplOffset goal;
  MonoTime in_step_at{};
  Epoch current_epoch;       // in its own last packet
  std::vector<FailReport> reports;  // by the reporter's index, rising
  std::uint32_t last_gossip_round = 0;
  // Set by a packet with Skein's checksum; from then on one without is a damaged one.
  bool marks_packets = false;
  std::uint8_t unmarked_in_a_row = 0;
  // Others have named it, and it has not answered by this node's link yet: such a node is neither
  // believed, nor saved, nor told on.
  bool hearsay = false;
  MonoTime named_at{};

  [[nodiscard]] bool ping_pending() const { return ping_sent != MonoTime{}; }
};

class HealthTable {
 public:
  [[nodiscard]] NodeHealth& at(NodeIndex index);
  [[nodiscard]] const NodeHealth& at(NodeIndex index) const;
  void on_added(NodeIndex index, MonoTime now);
  // Forgets the node's row and its reports about others.
  void on_removed(NodeIndex index);

 private:
  std::vector<NodeHealth> rows_;
};

// How long a report counts, and how long a failed primary with slots stays FAIL after it is
// heard again: twice the node timeout, so that every member's opinion has gone round.
inline constexpr int kReportLifetimes = 2;

// Replica and primary have shown these offsets. Whoever follows another begins with a row of its own (`forget_progress`).
void note_progress(NodeHealth& replica, ReplOffset offset, ReplOffset of_primary, MonoTime now);
void forget_progress(NodeHealth& replica);

// True when the reporter had not reported it before.
bool add_fail_report(NodeHealth& health, NodeIndex reporter, MonoTime now);
// True when there was one to withdraw.
bool withdraw_fail_report(NodeHealth& health, NodeIndex reporter);
// Those that are too old do not count any more.
void drop_old_fail_reports(NodeHealth& health, MonoTime now, milliseconds node_timeout);
// But those that are too old; only words of those who vote count.
[[nodiscard]] std::size_t count_fail_reports(const NodeHealth& health, const Topology& topology, MonoTime now,
                                             milliseconds node_timeout);

}  // namespace skein
