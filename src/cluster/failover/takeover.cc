#include <skein/cluster/failover/takeover.h>

#include <utility>

namespace skein {

namespace {

// What a primary offers before it ends holds for less than it waits itself.
constexpr milliseconds kOfferLimit{4000};
// Offers this close together are one, which is not taken twice.
constexpr milliseconds kOfferGap{1000};

}  // namespace

void TakeoverBid::ask(MonoTime now) {
  phase_ = Phase::kAsked;
  until_ = now + kTakeoverLimit;
  primary_paused_ = false;
}

void TakeoverBid::force(MonoTime now) {
  ask(now);
  phase_ = Phase::kReady;
}

bool TakeoverBid::on_paused(ReplOffset offset, bool offered, MonoTime now) {
  const MonoTime before = offered ? std::exchange(offered_at_, now) : MonoTime{};
  if (phase_ == Phase::kNone) {
    if (!offered || (before != MonoTime{} && now - before < kOfferGap)) return false;
    until_ = now + kOfferLimit;
  } else if (phase_ != Phase::kAsked) {
    return false;
  }
  phase_ = Phase::kCatchingUp;
  offset_ = offset;
  primary_paused_ = true;
  return true;
}

bool TakeoverBid::on_unpaused() {
  offered_at_ = {};
  if (!primary_paused_ || phase_ == Phase::kNone) return false;
  end();
  return true;
}

bool TakeoverBid::on_processed(ReplOffset processed) {
  if (phase_ != Phase::kCatchingUp || processed < offset_) return false;
  phase_ = Phase::kReady;
  return true;
}

bool TakeoverBid::expire(MonoTime now) {
  if (phase_ == Phase::kNone || now < until_) return false;
  end();
  return true;
}

void TakeoverYield::begin(NodeIndex replica, bool before_end, MonoTime now) {
  phase_ = Phase::kPausing;
  replica_ = replica;
  until_ = now + kTakeoverLimit;
  before_end_ = before_end;
}

bool TakeoverYield::on_data() {
  if (phase_ != Phase::kPausing) return false;
  phase_ = Phase::kPaused;
  return true;
}

bool TakeoverYield::expire(MonoTime now) {
  if (phase_ == Phase::kNone || now < until_) return false;
  end();
  return true;
}

std::string_view name_of(HandoverVerdict verdict) {
  switch (verdict) {
    case HandoverVerdict::kHandOver: return "kHandOver";
    case HandoverVerdict::kNoSlots: return "kNoSlots";
    case HandoverVerdict::kNoReplica: return "kNoReplica";
    case HandoverVerdict::kNotReachable: return "kNotReachable";
    case HandoverVerdict::kNoData: return "kNoData";
    case HandoverVerdict::kAskAsClient: return "kAskAsClient";
  }
  return "";
}

HandoverChoice choose_successor(const Topology& topology, const std::vector<ReplicaFacts>& replicas) {
  if (!topology.self().is_voter()) return {HandoverVerdict::kNoSlots};
  HandoverChoice choice;
  const ReplicaFacts* best = nullptr;
  for (const ReplicaFacts& facts : replicas) {
    const Node& node = topology.node(facts.index);
    if (node.flags.has(NodeFlag::kNoFailover)) continue;
    if (choice.verdict == HandoverVerdict::kNoReplica) choice.verdict = HandoverVerdict::kNotReachable;
    if (node.has_failed() || node.is_suspected() || !facts.link_is_up) continue;
    choice.verdict = HandoverVerdict::kNoData;
    if (facts.offset.value <= 0) continue;
    const auto is_better = [&](const ReplicaFacts& other) {
      if (facts.offset != other.offset) return facts.offset > other.offset;
      if (facts.is_skein != other.is_skein) return facts.is_skein;
      return node.id < topology.node(other.index).id;
    };
    if (best == nullptr || is_better(*best)) best = &facts;
  }
  if (best == nullptr) return choice;
  return {best->is_skein ? HandoverVerdict::kHandOver : HandoverVerdict::kAskAsClient, best->index};
}

}  // namespace skein
