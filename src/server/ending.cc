#include "ending.h"

#include <algorithm>

namespace skein {

Ending::Step Ending::begin(const ShutdownRequest& request, const EndingFacts& facts, MonoTime now) {
  request_ = request;
  if (request.now || facts.timeout.count() == 0) return Step::kEnd;
  deadline_ = now + facts.timeout;
  if (facts.can_hand_over && !request.force) {
    stage_ = Stage::kHandingOver;
    handover_until_ = std::min(deadline_, now + kHandoverTime);
    return Step::kHandOver;
  }
  return wait_or_end(facts, now);
}

Ending::Step Ending::on_not_handed_over(const EndingFacts& facts, MonoTime now) {
  if (stage_ != Stage::kHandingOver) return Step::kNothing;
  return wait_or_end(facts, now);
}

Ending::Step Ending::judge(const EndingFacts& facts, MonoTime now) {
  switch (stage_) {
    case Stage::kNone: return Step::kNothing;
    case Stage::kHandingOver:
      if (!facts.can_hand_over && !replica_has_left_) {
        replica_has_left_ = true;
        handover_until_ = std::min(handover_until_, now + kClaimTime);
      }
      return now < handover_until_ ? Step::kNothing : wait_or_end(facts, now);
    case Stage::kWaitingForReplicas:
      return !facts.replicas_lag || now >= deadline_ ? Step::kEnd : Step::kNothing;
  }
  return Step::kNothing;
}

Ending::Step Ending::wait_or_end(const EndingFacts& facts, MonoTime now) {
  if (!facts.replicas_lag || now >= deadline_) return Step::kEnd;
  stage_ = Stage::kWaitingForReplicas;
  return Step::kWait;
}

}  // namespace skein
