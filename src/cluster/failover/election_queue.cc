#include <skein/cluster/failover/election_queue.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace skein {

namespace {

// So long the one whose turn it is may stay silent: its replica may be dead, too old or
// told not to stand, or see things otherwise.
constexpr milliseconds kTurn{150};
// From so many on each leaves the one before it a moment. In the simulator's network one packet in
// fifty is up to as late; what is later still is rare enough to be asked for again.
constexpr std::size_t kMany = 9;
constexpr milliseconds kMoment{20};
constexpr std::size_t kMostPlaces = 16;  // of those who ask again, one behind the other
// A disk that has hung once must not hold up the next election for seconds.
constexpr nanoseconds kMostPreparation = milliseconds{100};

}  // namespace

ElectionQueue::Turn ElectionQueue::judge(const std::vector<NodeIndex>& failed, const Asker& us, MonoTime now) {
  // Who is replaced, or back, begins anew when it fails again.
  std::vector<Place> places(places_.size(), Place::kInLine);
  for (const NodeIndex primary : failed) {
    if (primary.value < places.size()) places[primary.value] = places_[primary.value];
  }
  places_ = std::move(places);
  Turn turn;
  NodeIndex head = kNoNode;
  for (const NodeIndex primary : failed) {
    if (primary == us.primary) break;
    ++turn.ahead;
    if (place_of(primary) == Place::kHasLetPass) ++turn.silent;
    if (head.is_none() && place_of(primary) == Place::kInLine) head = primary;
  }
  if (head.is_none()) {
    turn.not_before = after_the_last(failed, us);
    turn.is_ours = now >= turn.not_before;
    return turn;
  }
  if (head != head_) {
    head_ = head;
    head_since_ = now;
  } else if (now - head_since_ >= kTurn) {
    move(head, Place::kHasLetPass);
    head_ = kNoNode;
    return judge(failed, us, now);
  }
  turn.waits_for = head;
  return turn;
}

MonoTime ElectionQueue::after_the_last(const std::vector<NodeIndex>& failed, const Asker& us) const {
  if (failed.size() < kMany || last_asked_at_ == MonoTime{}) return {};
  const nanoseconds prepares = std::min(us.prepares, kMostPreparation);
  if (!us.again) return last_asked_at_ + std::max(kMoment - prepares, nanoseconds{0});
  // Each so long after the one before it that it hears of that one's request in time.
  const auto place = static_cast<int>(std::min(asked_since_the_last(failed, us.primary), kMostPlaces));
  const nanoseconds first = std::max(2 * kMoment - prepares, nanoseconds{0});
  return last_asked_at_ + first + place * std::max<nanoseconds>(kMoment, prepares);
}

// How many of those that have asked stand between the one who did last and ours: in the order of the
// queue, and from its end on to its begin.
std::size_t ElectionQueue::asked_since_the_last(const std::vector<NodeIndex>& failed, NodeIndex ours) const {
  std::size_t count = 0;
  std::size_t at_ours = 0;
  std::optional<std::size_t> at_last;
  for (const NodeIndex primary : failed) {
    if (primary == ours) {
      at_ours = count++;
    } else if (primary == last_asker_) {
      at_last = count++;
    } else if (place_of(primary) == Place::kHasAsked) {
      ++count;
    }
  }
  return at_last ? (at_ours + count - *at_last) % count - 1 : at_ours;
}

void ElectionQueue::note_asked(NodeIndex primary, Epoch epoch, MonoTime now) {
  move(primary, Place::kHasAsked);
  if (epoch <= last_asked_) return;
  last_asked_ = epoch;
  last_asker_ = primary;
  last_asked_at_ = now;
}

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
  last_asked_at_ = {};
}

}  // namespace skein
