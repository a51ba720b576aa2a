// Until when a primary may execute and acknowledge writes.
//
// A primary is replaced only after a majority of voters has not heard it for the node
// timeout. It writes while it knows that this cannot be so yet: until node-timeout after the
// sending time of the newest ping that each of a majority of voters, itself counted, has
// answered. Sending times, because the voter heard nothing later than it answered; answers
// by this node's own link, because what others tell of a voter says nothing of what that
// voter has heard.
//
// A lease that has lapsed is renewed only by answers to pings sent after that was noticed: a
// process that was stopped wakes up with answers to its old pings in its buffers. When the
// cluster's epoch has moved on meanwhile an election may have been won, so it is not renewed
// before every new epoch's owner is known, or redis's rejoin delay is over.
//
// Knows no sockets and no clock. Leaves to the owner: sending the pings it asks for, making
// writers wait, telling operators.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <skein/base/ids.h>
#include <skein/base/time.h>
#include <skein/cluster/topology/topology.h>

namespace skein {

enum class LeaseVerdict : std::uint8_t {
  kNotNeeded,         // no primary, or one without slots: nobody takes anything from it
  kAlone,             // the only voter: nobody can be elected without it
  kHeld,
  kTooFewAnswers,     // too few voters have answered what was sent since the lease lapsed
  kElectionPossible,  // they have, and the epoch has moved on without a claim that explains it
  kCalledFailed       // they have, and voters may elect another although they hear this node
};
[[nodiscard]] std::string_view lease_verdict_name(LeaseVerdict verdict);

// How long a primary that was out of touch waits for news of an election, once it is back:
// the node timeout, within redis's limits.
[[nodiscard]] milliseconds rejoin_delay(milliseconds node_timeout);

// The pings sent by one link that wait for their answers. A link keeps order, so an answer
// belongs to the oldest. One that was lost only ever makes the others look older than they are.
class UnansweredPings {
 public:
  void add(MonoTime sent);
  // The sending time of the ping that has been answered; MonoTime{} when none waits.
  MonoTime take();
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] bool full() const { return count_ == kKept; }
  [[nodiscard]] MonoTime oldest() const { return sent_[0]; }

 private:
  static constexpr std::size_t kKept = 4;
  std::array<MonoTime, kKept> sent_{};
  std::uint32_t count_ = 0;
  // Pings after the last one kept, each taken for as old as that one.
  std::uint32_t more_ = 0;
};

struct LeaseFigures {
  LeaseVerdict verdict = LeaseVerdict::kNotNeeded;
  std::size_t voters = 0;    // this one counted
  std::size_t needed = 0;    // answers of others that make a majority
  std::size_t answering = 0; // others whose answers count at the moment
  MonoTime end{};            // while it is held
  MonoTime lapsed_at{};      // while it is not held
  std::uint64_t lapses = 0;
  std::uint64_t renewals = 0;  // grows whenever writes may go on that could not before
};

class Lease {
 public:
  // A ping, or MEET, was made for `node`, to leave by the link of that number.
  void on_ping(NodeIndex node, std::uint64_t link, MonoTime sent);
  // A pong has come by it.
  void on_answer(NodeIndex node, std::uint64_t link);
  // The place in the table is free, for another node perhaps.
  void forget(NodeIndex node);
  // Others take this node for failed, and some of them might elect another in spite of hearing it.
  void on_called_failed(MonoTime now);

  // It was elected by voters that have heard it since then: for a node timeout they elect nobody in its
  // place, whatever other epochs are about.
  void on_elected(MonoTime heard_since) { elected_at_ = heard_since; }

  // This node has given itself an epoch without votes, and not every replica of its is known to have
  // heard of it: one of them may be elected in that very epoch, which then tells nothing. None: no such
  // epoch.
  void set_unheard_epoch(std::optional<Epoch> epoch) {
    unheard_epoch_ = epoch;
    has_news_ = true;
  }

  // After every input and with time. Cheap when nothing it depends on has changed.
  LeaseVerdict judge(const Topology& topology, Epoch current_epoch, milliseconds node_timeout, MonoTime now);
  [[nodiscard]] LeaseVerdict verdict() const { return verdict_; }
  // MonoTime::max() when no lease is needed; in the past while in doubt.
  [[nodiscard]] MonoTime end() const { return end_; }
  [[nodiscard]] bool is_needed() const {
    return verdict_ != LeaseVerdict::kNotNeeded && verdict_ != LeaseVerdict::kAlone;
  }

  // When it was lost last, or when this node began to wait for its first.
  [[nodiscard]] MonoTime lapsed_at() const { return lapsed_at_; }

  // The voters to be pinged at once, so that the lease lasts until the next look at least.
  // `usable(NodeIndex)`: its link is up and it is not known to have failed.
  template <typename Usable>
  [[nodiscard]] const std::vector<NodeIndex>& choose_pings(Usable&& usable, MonoTime now, milliseconds next_look) {
    candidates_.clear();
    for (const NodeIndex voter : voters_) {
      if (usable(voter)) candidates_.push_back(voter);
    }
    return choose_among_candidates(now, next_look);
  }
  // The node was heard, at `heard` last, long after a ping that still has no answer: some were lost on
  // the way, and each answer is taken for that of an older ping. Only a new link ends that.
  [[nodiscard]] bool is_out_of_step(NodeIndex node, MonoTime heard) const;

  [[nodiscard]] LeaseFigures figures() const;
  [[nodiscard]] std::uint64_t renewals() const { return renewals_; }

 private:
  struct Row {
    std::uint64_t link = 0;
    UnansweredPings unanswered;
    MonoTime last_sent{};
    MonoTime answered{};  // sending time of the newest ping it has answered
    bool votes = false;
  };

  Row& row(NodeIndex node);
  void follow_voters(const Topology& topology, MonoTime now);
  [[nodiscard]] MonoTime majority_answered();
  [[nodiscard]] bool claims_explain(const Topology& topology, Epoch current_epoch) const;
  [[nodiscard]] Epoch explained(Epoch current_epoch) const;
  void lapse(MonoTime now);
  void hold(MonoTime basis, Epoch current_epoch);
  void judge_renewal(const Topology& topology, Epoch current_epoch, MonoTime now);
  [[nodiscard]] bool responds(const Row& row, MonoTime now) const;
  const std::vector<NodeIndex>& choose_among_candidates(MonoTime now, milliseconds next_look);

  std::vector<Row> rows_;  // by index
  std::vector<NodeIndex> voters_;  // but this node
  LeaseVerdict verdict_ = LeaseVerdict::kNotNeeded;
  MonoTime end_ = MonoTime::max();
  milliseconds period_{0};
  // The current epoch when the lease was last known to be held.
  Epoch held_epoch_;
  std::optional<Epoch> unheard_epoch_;
  MonoTime elected_at_{};
  MonoTime lapsed_at_{};
  MonoTime fresh_after_{};   // pings sent earlier renew nothing
  MonoTime doubt_until_{};   // of kElectionPossible and kCalledFailed
  bool called_failed_ = false;
  std::uint64_t lapses_ = 0;
  std::uint64_t renewals_ = 0;

  // What the last judgement was made from.
  bool has_news_ = true;
  std::uint64_t voters_revision_ = 0;
  Epoch judged_epoch_;

  std::vector<MonoTime> times_;  // for their memory
  std::vector<NodeIndex> candidates_;
};

}  // namespace skein
