#include <skein/replication/full_sync_plan.h>

#include <algorithm>

#include <skein/base/assert.h>

namespace skein {

FullSyncPlan::Arrival FullSyncPlan::on_arrival(const Applicant& applicant, bool child, bool log_holds_start) {
  const auto judge = [&] {
    if (!under_way_) return child ? Arrival::kWaitsBehindForeign : Arrival::kWaits;
    if (under_way_->kind == Kind::kStream) return Arrival::kWaitsBehindStream;
    if (under_way_->wish != applicant.wish) return Arrival::kWaitsBehindOther;
    return log_holds_start ? Arrival::kJoins : Arrival::kWaitsBehindLog;
  };
  const Arrival arrival = judge();
  if (arrival != Arrival::kJoins) waiting_.push_back(applicant);
  return arrival;
}

void FullSyncPlan::on_left(Number number) {
  std::erase_if(waiting_, [number](const Applicant& a) { return a.number == number; });
}

std::optional<FullSyncPlan::Start> FullSyncPlan::next_start(MonoTime now, const FullSyncPolicy& policy, bool child) const {
  if (child || under_way_) return std::nullopt;
  std::vector<SnapshotWish> seen;
  for (const Applicant& oldest : waiting_) {
    if (std::find(seen.begin(), seen.end(), oldest.wish) != seen.end()) continue;
    seen.push_back(oldest.wish);
    Start start{.kind = Kind::kStream, .wish = oldest.wish, .who = {}};
    for (const Applicant& a : waiting_) {
      if (a.wish != oldest.wish) continue;
      start.who.push_back(a.number);
      if (!a.takes_stream) start.kind = Kind::kFile;  // everybody can be sent a file
    }
    // What was filtered is nobody's dump: it is never written to a file.
    if (!policy.diskless && !oldest.wish.is_filtered()) start.kind = Kind::kFile;
    const bool others_may_come = start.kind == Kind::kStream && policy.diskless && now - oldest.since < policy.delay &&
                                 (policy.max_replicas == 0 || start.who.size() < policy.max_replicas);
    if (!others_may_come) return start;
  }
  return std::nullopt;
}

void FullSyncPlan::on_started(const Start& start, ReplOffset at) {
  SKEIN_ASSERT(!under_way_);
  take_out(start);
  under_way_ = UnderWay{.kind = start.kind, .wish = start.wish, .at = at};
}

void FullSyncPlan::on_failed(const Start& start) { take_out(start); }

void FullSyncPlan::take_out(const Start& start) {
  for (const Number number : start.who) on_left(number);
}

}  // namespace skein
