// Taking over on request, at both ends: the replica's bid and the primary's yielding.
//
//   replica                                     primary
//   CLUSTER FAILOVER: asks (MFSTART)  ------->  writers are paused
//                                     <-------  pings marked PAUSED, with its offset
//   processes the stream up to there
//   asks for forced votes, wins       ------->  becomes its replica, or ends
//
// A primary that is about to end begins with the pings: to a replica that has not asked they
// are the offer. Neither end knows sockets or votes; cluster/node carries the steps out.
#pragma once

#include <string_view>
#include <vector>

#include <skein/base/ids.h>
#include <skein/base/time.h>
#include <skein/cluster/topology/topology.h>

namespace skein {

// Both ends give up after this.
inline constexpr milliseconds kTakeoverLimit{5000};
// The primary's writers wait twice as long, so that they never go on before the replica has
// given up for certain.
inline constexpr milliseconds kTakeoverPause = 2 * kTakeoverLimit;

class TakeoverBid {
 public:
  void ask(MonoTime now);    // the primary is told; its offset will come
  void force(MonoTime now);  // the primary is not waited for
  // A ping of the paused primary. True when the offset is news. Without having asked it is an
  // offer, taken when `offered` says that the sender means it so.
  bool on_paused(ReplOffset offset, bool offered, MonoTime now);
  // The primary goes on without the pause it has shown before, as after a restart: its writers
  // do not wait any more, so the offset is not the last one. True when the bid ends with it.
  bool on_unpaused();
  // True when the offset has just been reached.
  bool on_processed(ReplOffset processed);
  // True when time has just run out.
  bool expire(MonoTime now);
  void end() { phase_ = Phase::kNone; }

  [[nodiscard]] bool is_under_way() const { return phase_ != Phase::kNone; }
  [[nodiscard]] bool is_catching_up() const { return phase_ == Phase::kCatchingUp; }
  [[nodiscard]] bool may_elect() const { return phase_ == Phase::kReady; }

 private:
  enum class Phase { kNone, kAsked, kCatchingUp, kReady };
  Phase phase_ = Phase::kNone;
  MonoTime until_{};
  ReplOffset offset_;
  bool primary_paused_ = false;
  MonoTime offered_at_{};  // the last ping of the offer
};

class TakeoverYield {
 public:
  enum class Phase {
    kNone,
    kPausing,  // the offset shown is not yet that of the last write
    kPaused
  };
  void begin(NodeIndex replica, bool before_end, MonoTime now);
  // The owner has told the offset anew. True when it is now that of the last write.
  bool on_data();
  bool expire(MonoTime now);
  void end() { phase_ = Phase::kNone; }

  [[nodiscard]] bool is_under_way() const { return phase_ != Phase::kNone; }
  [[nodiscard]] bool is_pausing() const { return phase_ == Phase::kPausing; }
  // The primary ends afterwards.
  [[nodiscard]] bool is_handover() const { return is_under_way() && before_end_; }
  [[nodiscard]] bool is_paused_towards(NodeIndex node) const { return phase_ == Phase::kPaused && node == replica_; }
  [[nodiscard]] NodeIndex replica() const { return is_under_way() ? replica_ : kNoNode; }

 private:
  Phase phase_ = Phase::kNone;
  NodeIndex replica_ = kNoNode;
  MonoTime until_{};
  bool before_end_ = false;
};

// Whom a primary hands over to: of its replicas that can be reached and whose data is known
// the most advanced.
enum class HandoverVerdict {
  kHandOver,
  kNoSlots,
  kNoReplica,       // or none that may stand
  kNotReachable,    // failed, suspected, or without a link
  kNoData,          // none is known to have any
  kAskAsClient      // the most advanced one is no Skein
};
[[nodiscard]] std::string_view name_of(HandoverVerdict verdict);
struct HandoverChoice {
  HandoverVerdict verdict = HandoverVerdict::kNoReplica;
  NodeIndex replica = kNoNode;
};
struct ReplicaFacts {
  NodeIndex index;
  bool link_is_up = false;
  bool is_skein = false;
  ReplOffset offset;
};
[[nodiscard]] HandoverChoice choose_successor(const Topology& topology, const std::vector<ReplicaFacts>& replicas);

}  // namespace skein
