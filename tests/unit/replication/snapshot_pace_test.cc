#include <skein/replication/snapshot_pace.h>

#include <gtest/gtest.h>

#include <utility>

namespace skein {
namespace {

using namespace std::chrono_literals;

TEST(SnapshotPace, ManyAtOnceAndThenOneASecond) {
  SnapshotPace pace;
  MonoTime now{1000s};
  int begun = 0;
  const auto try_for = [&](seconds span) {
    for (const MonoTime end = now + span; now < end; now += 10ms) {
      if (!pace.may_start(now)) continue;
      pace.on_started(now);
      ++begun;
    }
    return std::exchange(begun, 0);
  };
  EXPECT_EQ(try_for(1s), SnapshotPace::kBurst);
  EXPECT_EQ(try_for(60s), 60);
  now += 5s;
  EXPECT_EQ(try_for(1s), 6) << "five came back, and one of this second";
  now += 3600s;
  EXPECT_EQ(try_for(1s), SnapshotPace::kBurst) << "and never more";
}

}  // namespace
}  // namespace skein
