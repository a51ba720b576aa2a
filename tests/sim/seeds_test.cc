// Many seeds, each a cluster in trouble; and that a seed is the same run each time.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "seed_run.h"

namespace skein::sim {

namespace {

#ifdef SKEIN_SANITIZED
constexpr std::uint64_t kSeedsInCi = 25;  // some ten times as slow each
constexpr std::uint64_t kFewestElections = 80;
constexpr std::uint64_t kHeirSeedsInCi = 5;
#else
constexpr std::uint64_t kSeedsInCi = 300;
constexpr std::uint64_t kFewestElections = 1000;
constexpr std::uint64_t kHeirSeedsInCi = 60;
#endif

bool wants_a_line_per_seed() {
  return std::getenv("SKEIN_SIM_VERBOSE") != nullptr;
}

double in_seconds(nanoseconds span) {
  return std::chrono::duration<double>(span).count();
}

TEST(Seeds, NoRuleIsBrokenAndAllAgreeOnceFaultsEnd) {
  Tally sum;
  nanoseconds time{0};
  std::uint64_t nodes = 0;
  const std::uint64_t count = seeds_wanted(kSeedsInCi);
  const std::uint64_t first = first_seed(1);
  int failures = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const SeedRun run = run_seed(Seed{seed});
    if (wants_a_line_per_seed()) {
      fmt::print("seed {}: {} nodes, {:.0f} s; {}\n", seed, run.nodes, in_seconds(run.span),
                 run.tally.line());
    }
    sum += run.tally;
    time += run.span;
    nodes += run.nodes;
    if (run.broken) {
      if (++failures == 10) break;  // more of them tell nothing new
      continue;
    }
    EXPECT_GE(run.nodes, kFewestNodes) << "seed " << seed;
    EXPECT_GE(run.tally.all_faults(), kFewestFaults) << "seed " << seed;
    EXPECT_GE(run.span, kShortestSeed) << "seed " << seed;
  }
  fmt::print("{} seeds from {}, {} nodes, {:.0f} virtual seconds; {}\n", count, first, nodes,
             in_seconds(time), sum.line());
  if (count >= kSeedsInCi && failures == 0) {
    EXPECT_GE(sum.count(EventKind::kElectionWon), kFewestElections);
  }
}

// Whom a replica follows changes while it can copy from nobody: who stands then holds the data of the place it takes.
TEST(HeirSeeds, NobodyStandsWithTheDataOfOthers) {
  Tally sum;
  const std::uint64_t count = seeds_wanted(kHeirSeedsInCi);
  const std::uint64_t first = first_seed(1);
  int failures = 0;
  for (std::uint64_t seed = first; seed < first + count && failures < 10; ++seed) {
    const SeedRun run = run_seed(Seed{seed}, {}, true, Trouble::Mixture::kHeirs);
    sum += run.tally;
    failures += run.broken ? 1 : 0;
  }
  fmt::print("{} seeds from {}; {}\n", count, first, sum.line());
  if (count >= kHeirSeedsInCi && failures == 0) {
    EXPECT_GE(sum.count(FaultKind::kReplicationCut), count / 2);
    EXPECT_GE(sum.count(FaultKind::kReplicate), count / 2);
  }
}

TEST(Seeds, ASeedIsTheSameRunEachTime) {
  for (const std::uint64_t seed : {11u, 12u, 13u}) {
    const SeedRun once = run_seed(Seed{seed}, {}, false);
    const SeedRun again = run_seed(Seed{seed}, {}, false);
    EXPECT_EQ(once.fingerprint, again.fingerprint) << "seed " << seed;
    EXPECT_EQ(once.tally.events, again.tally.events) << "seed " << seed;
  }
}

}  // namespace

}  // namespace skein::sim
