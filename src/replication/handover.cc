#include <skein/replication/handover.h>

namespace skein {

void Handover::begin(HandoverRequest request, MonoTime now) {
  state_ = State::kWaitingForSync;
  request_ = std::move(request);
  give_up_at_ = request_.timeout.count() > 0 ? now + request_.timeout : MonoTime::max();
  target_ = {};
}

HandoverVerdict Handover::judge(std::span<const HandoverCandidate> replicas, ReplOffset ours, MonoTime now) {
  const auto go = [this](HandoverCandidate target) {
    target_ = std::move(target);
    state_ = State::kInProgress;
    return HandoverVerdict::kGo;
  };
  for (const auto& replica : replicas) {
    const bool wanted = request_.host.empty() || (replica.host == request_.host && replica.port == request_.port);
    if (wanted && replica.is_online && replica.acknowledged == ours) return go(replica);
  }
  if (now < give_up_at_) return HandoverVerdict::kWait;
  // FORCE takes a replica that lags: what it lacks is lost.
  if (request_.force) return go({.host = request_.host, .port = request_.port});
  return HandoverVerdict::kTimedOut;
}

std::string_view name_of(Handover::State state) {
  switch (state) {
    case Handover::State::kNone: return "no-failover";
    case Handover::State::kWaitingForSync: return "waiting-for-sync";
    case Handover::State::kInProgress: return "failover-in-progress";
  }
  return "";
}

}  // namespace skein
