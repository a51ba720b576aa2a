#include <skein/cluster/failover/election_queue.h>

#include <algorithm>

namespace skein {

namespace {

// So long the one whose turn it is may stay silent: its replica may be dead, too old or
// told not to stand, or see things otherwise.
constexpr milliseconds kTurn{150};

bool holds(const std::vector<NodeIndex>& nodes, NodeIndex index) {
  return std::find(nodes.begin(), nodes.end(), index) != nodes.end();
}

}  // namespace

ElectionQueue::Turn ElectionQueue::judge(const std::vector<NodeIndex>& failed, NodeIndex ours, MonoTime now) {
  std::erase_if(passed_, [&](NodeIndex primary) { return !holds(failed, primary); });
  Turn turn;
  NodeIndex head = kNoNode;
  for (const NodeIndex primary : failed) {
    if (primary == ours) break;
    ++turn.ahead;
    if (head.is_none() && !holds(passed_, primary)) head = primary;
  }
  if (head.is_none()) {
    turn.is_ours = true;
    return turn;
  }
  if (head != head_) {
    head_ = head;
    head_since_ = now;
  } else if (now - head_since_ >= kTurn) {
    passed_.push_back(head);
    head_ = kNoNode;
    return judge(failed, ours, now);
  }
  turn.waits_for = head;
  return turn;
}

void ElectionQueue::note_asked(NodeIndex primary) {
  if (!holds(passed_, primary)) passed_.push_back(primary);
}

void ElectionQueue::clear() {
  passed_.clear();
  head_ = kNoNode;
}

}  // namespace skein
