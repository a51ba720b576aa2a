#include "seed_run.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "trouble.h"

namespace skein::sim {

namespace {

using namespace std::chrono_literals;

// Once faults end: a failed primary with slots stays FAIL for twice the node timeout, after
// that an election's round may still be under way and a full heartbeat round is due.
constexpr nanoseconds kCalmLimit = 60s;

ClusterShape draw_shape(Random& random) {
  ClusterShape shape;
  shape.primaries = static_cast<std::uint32_t>(3 + random.below(3));
  shape.replicas_each = static_cast<std::uint32_t>(1 + random.below(2));
  if (random.one_in(16)) shape.primaries = 10;
  constexpr milliseconds kTimeouts[] = {1s, 2s, 2s, 5s};
  shape.node_timeout = kTimeouts[random.below(4)];
  shape.gives_epochs = !random.one_in(4);
  shape.marks_packets = !random.one_in(8);
  return shape;
}

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* value = std::getenv(variable);
  if (value == nullptr) return otherwise;
  const std::string_view text(value);
  std::uint64_t number = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

SeedRun run_seed(Seed seed, const PlantedBugs& bugs, bool fails_test) {
  Random random(seed.value * 2 + 1);
  ClusterShape shape = draw_shape(random);
  shape.bugs = bugs;
  Sim sim(seed);
  Trouble trouble(sim, random.next());
  sim.cluster(shape);
  if (!sim.violation()) {
    const auto faults = static_cast<std::uint32_t>(kFewestFaults + random.below(10));
    const nanoseconds span = draw_between(random, 45s, 75s);
    trouble.plan(faults, span);
    sim.run_for(span);
  }
  if (!sim.violation()) {
    // Some kinds need a victim that is up and find none.
    while (sim.journal().tally().all_faults() < kFewestFaults) {
      trouble.plan(1, 1s);
      sim.run_for(1s);
      if (sim.violation()) break;
    }
  }
  if (!sim.violation()) {
    sim.heal();
    if (sim.await(Agreement::kHealth, kCalmLimit)) sim.run_for(5s);
    if (sim.elapsed() < kShortestSeed) sim.run_for(kShortestSeed - sim.elapsed());
    if (!sim.violation()) sim.await(Agreement::kHealth, 0s);
  }
  SeedRun run{shape.nodes(), sim.elapsed(), sim.journal().tally(), sim.violation(),
              sim.journal().fingerprint()};
  if (!fails_test) static_cast<void>(sim.take_violation());
  return run;
}

std::uint64_t seeds_wanted(std::uint64_t otherwise) {
  return number_from("SKEIN_SIM_SEEDS", otherwise);
}
std::uint64_t first_seed(std::uint64_t otherwise) {
  return number_from("SKEIN_SIM_FIRST_SEED", otherwise);
}

}  // namespace skein::sim
