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
  std::vector<bool> stands_in_line(passed_.size(), false);
  for (const NodeIndex primary : failed) {
    if (primary.value < passed_.size()) stands_in_line[primary.value] = passed_[primary.value];
  }
  passed_ = std::move(stands_in_line);
  Turn turn;
  NodeIndex head = kNoNode;
  for (const NodeIndex primary : failed) {
    if (primary == ours) break;
    ++turn.ahead;
    if (head.is_none() && !has_passed(primary)) head = primary;
  }
  if (head.is_none()) {
    turn.is_ours = true;
    return turn;
  }
  if (head != head_) {
    head_ = head;
    head_since_ = now;
  } else if (now - head_since_ >= kTurn) {
    pass(head);
    head_ = kNoNode;
    return judge(failed, ours, now);
  }
  turn.waits_for = head;
  return turn;
}

void ElectionQueue::note_asked(NodeIndex primary) { pass(primary); }

bool ElectionQueue::has_passed(NodeIndex primary) const {
  return primary.value < passed_.size() && passed_[primary.value];
}

void ElectionQueue::pass(NodeIndex primary) {
  if (passed_.size() <= primary.value) passed_.resize(std::size_t{primary.value} + 1);
  passed_[primary.value] = true;
}

void ElectionQueue::clear() {
  passed_.clear();
  head_ = kNoNode;
}

}  // namespace skein
