#include <skein/cluster/failover/election_queue.h>

#include <utility>

namespace skein {

namespace {

// So long the one whose turn it is may stay silent: its replica may be dead, too old or
// told not to stand, or see things otherwise.
constexpr milliseconds kTurn{150};

}  // namespace

ElectionQueue::Turn ElectionQueue::judge(const std::vector<NodeIndex>& failed, NodeIndex ours, MonoTime now) {
  // Who is replaced, or back, begins anew when it fails again.
  std::vector<Place> places(places_.size(), Place::kInLine);
  for (const NodeIndex primary : failed) {
    if (primary.value < places.size()) places[primary.value] = places_[primary.value];
  }
  places_ = std::move(places);
  Turn turn;
  NodeIndex head = kNoNode;
  for (const NodeIndex primary : failed) {
    if (primary == ours) break;
    ++turn.ahead;
    if (place_of(primary) == Place::kHasLetPass) ++turn.silent;
    if (head.is_none() && place_of(primary) == Place::kInLine) head = primary;
  }
  if (head.is_none()) {
    turn.is_ours = true;
    return turn;
  }
  if (head != head_) {
    head_ = head;
    head_since_ = now;
  } else if (now - head_since_ >= kTurn) {
    move(head, Place::kHasLetPass);
    head_ = kNoNode;
    return judge(failed, ours, now);
  }
  turn.waits_for = head;
  return turn;
}

void ElectionQueue::note_asked(NodeIndex primary) { move(primary, Place::kHasAsked); }

ElectionQueue::Place ElectionQueue::place_of(NodeIndex primary) const {
  return primary.value < places_.size() ? places_[primary.value] : Place::kInLine;
}

void ElectionQueue::move(NodeIndex primary, Place to) {
  if (places_.size() <= primary.value) places_.resize(std::size_t{primary.value} + 1);
  places_[primary.value] = to;
}

void ElectionQueue::clear() {
  places_.clear();
  head_ = kNoNode;
}

}  // namespace skein
