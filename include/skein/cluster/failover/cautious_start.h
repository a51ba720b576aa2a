// A primary that starts without its data: for how long it holds back, so that a replica that
// has the data may replace it instead of being wiped by it.
//
//   holding back --- its slots have another owner ------------------> over: it follows that one
//        |       --- every replica was heard and none has data -----> over: it serves
//        |       --- 2 T + 10 s -------------------------------------> over: it serves, and says what that may cost
//        +------- anything else: it listens, and asks without saying who it is
//
// Whatever it said would keep it alive in the others' eyes, and a primary that is alive is not
// failed over.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <skein/base/ids.h>
#include <skein/base/time.h>

namespace skein {

enum class CautionVerdict {
  kHoldBack,       // a replica has data, or has not been heard
  kReplaced,       // no slot is this node's any more
  kNobodyHasData,  // its replicas were heard: there is nothing to lose
  kTimeIsOver      // serves although a replica may have the data
};
[[nodiscard]] std::string_view name_of(CautionVerdict verdict);

// One who followed this node when it was last saved, as it is known now.
struct FormerReplica {
  bool was_heard = false;     // since the start
  bool still_follows = true;  // this node
  // Of one that follows another: whether that one was heard, so that its claim has been judged.
  bool new_primary_was_heard = false;
  ReplOffset offset;          // as it says
};

class CautiousStart {
 public:
  // How much longer than twice the node timeout: for FAIL to spread and an election to be won.
  static constexpr seconds kElectionTime{10};

  // `replicas`: those whom nodes.conf names.
  void begin(std::vector<NodeId> replicas, MonoTime now);
  void end() { begun_.reset(); }
  [[nodiscard]] bool is_holding_back() const { return begun_.has_value(); }
  [[nodiscard]] const std::vector<NodeId>& replicas() const { return replicas_; }
  [[nodiscard]] MonoTime begun_at() const { return *begun_; }

  // While holding back. `has_place`: it owns slots, or is being given its first. `known`: of `replicas`,
  // those that were not forgotten since.
  [[nodiscard]] CautionVerdict judge(bool has_place, std::span<const FormerReplica> known, MonoTime now,
                                     milliseconds node_timeout) const;

 private:
  std::optional<MonoTime> begun_;
  std::vector<NodeId> replicas_;
};

}  // namespace skein
