// How often snapshots for replicas may begin.
//
// Each is a fork of the whole process. Replicas that come back, and those that are added together, need a few in a row; who
// asks for a full sync and leaves, again and again, gets one a second, whoever it is and however many they are.
#pragma once

#include <algorithm>

#include <skein/base/time.h>

namespace skein {

class SnapshotPace {
 public:
  // So many at once, where there were none for as many seconds.
  static constexpr int kBurst = 16;
  static constexpr seconds kEvery{1};

  // One that begins takes its place; the places come back one after the other.
  void on_started(MonoTime now) { all_back_at_ = std::max(all_back_at_, now) + kEvery; }
  [[nodiscard]] bool may_start(MonoTime now) const { return all_back_at_ - now <= (kBurst - 1) * kEvery; }

 private:
  MonoTime all_back_at_{};
};

}  // namespace skein
