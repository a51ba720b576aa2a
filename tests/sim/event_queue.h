// Virtual time: what happens next, and when.
//
// Events of one moment happen in the order they were asked for, so a run is the same each
// time. Nothing here knows what the events are.
#pragma once

#include <skein/base/time.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace skein::sim {

// The time of the simulated world itself. No process in it sees this clock: each has its
// own two, see host.h.
struct WorldClock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = nanoseconds;
  using time_point = std::chrono::time_point<WorldClock>;
  static constexpr bool is_steady = true;
};
using WorldTime = WorldClock::time_point;

class EventQueue {
 public:
  using Action = std::function<void()>;

  [[nodiscard]] WorldTime now() const { return now_; }
  [[nodiscard]] bool empty() const { return events_.empty(); }
  [[nodiscard]] WorldTime next_at() const { return events_.front().when; }

  void at(WorldTime when, Action action) {
    events_.push_back({std::max(when, now_), next_number_++, std::move(action)});
    std::push_heap(events_.begin(), events_.end(), later);
  }
  void after(nanoseconds delay, Action action) { at(now_ + delay, std::move(action)); }

  // Lets the next event happen. There must be one.
  void step() {
    std::pop_heap(events_.begin(), events_.end(), later);
    Event event = std::move(events_.back());
    events_.pop_back();
    now_ = event.when;
    event.action();
  }

  // Time passes without an event.
  void advance_to(WorldTime when) { now_ = std::max(now_, when); }

 private:
  struct Event {
    WorldTime when;
    std::uint64_t number;
    Action action;
  };
  static bool later(const Event& a, const Event& b) {
    return a.when != b.when ? a.when > b.when : a.number > b.number;
  }

  WorldTime now_{seconds{0}};
  std::uint64_t next_number_ = 0;
  std::vector<Event> events_;  // a heap
};

// Spans drawn by chance.
template <typename Random>
nanoseconds draw_between(Random& random, nanoseconds least, nanoseconds most) {
  if (most <= least) return least;
  return least + nanoseconds{static_cast<std::int64_t>(
                     random.below(static_cast<std::uint64_t>((most - least).count()) + 1))};
}

}  // namespace skein::sim
