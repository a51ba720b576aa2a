#include "seed_run.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "clients.h"
#include "trouble.h"

namespace skein::sim {

namespace {

using namespace std::chrono_literals;

// Once faults end: a failed primary with slots stays FAIL for twice the node timeout, after
// that an election's round may still be under way and a full heartbeat round is due.
constexpr nanoseconds kCalmLimit = 60s;
constexpr nanoseconds kBetweenRepairs = 5s;

// What a seed is about.
Trouble::Mixture draw_mixture(Random& random) {
  constexpr Trouble::Mixture kMixtures[] = {Trouble::Mixture::kAnything, Trouble::Mixture::kFailovers,
                                            Trouble::Mixture::kStorm};
  return kMixtures[random.below(3)];
}

ClusterShape draw_shape(Random& random, Trouble::Mixture mixture) {
  ClusterShape shape;
  shape.primaries = static_cast<std::uint32_t>(3 + random.below(3));
  shape.replicas_each = static_cast<std::uint32_t>(1 + random.below(2));
  if (mixture == Trouble::Mixture::kHeirs) shape.replicas_each = 2;
  if (random.one_in(16)) shape.primaries = 10;
  constexpr milliseconds kTimeouts[] = {1s, 2s, 2s, 5s};
  shape.node_timeout = kTimeouts[random.below(4)];
  if (mixture == Trouble::Mixture::kStorm) shape.node_timeout = random.one_in(8) ? 15s : 1s;
  shape.gives_epochs = !random.one_in(4);
  shape.marks_packets = !random.one_in(8);
  return shape;
}

std::uint64_t draw_faults(Random& random, Trouble::Mixture mixture) {
  switch (mixture) {
    case Trouble::Mixture::kAnything: return kFewestFaults + random.below(10);
    case Trouble::Mixture::kFailovers: return kFewestFaults + random.below(20);
    case Trouble::Mixture::kStorm:
    case Trouble::Mixture::kHeirs: return 20 + random.below(20);
  }
  return kFewestFaults;
}

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* value = std::getenv(variable);
  if (value == nullptr) return otherwise;
  const std::string_view text(value);
  std::uint64_t number = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// All that faults left behind is put right: views agree, open slots are closed.
void calm_down(Sim& sim, SlotMoves& moves) {
  const auto deadline = sim.elapsed() + kCalmLimit;
  const auto is_calm = [&] {
    return moves.under_way() == 0 && !find_disagreement(sim.hosts(), Agreement::kHealth);
  };
  // While a slot is open its two ends may see its owner otherwise than all others do.
  bool is_fixed = false;
  do {
    sim.heal();  // again: what was told to end may only now have ended
    sim.run_until(is_calm, kBetweenRepairs);
    is_fixed = moves.fix();
  } while (!(is_fixed && is_calm()) && sim.elapsed() < deadline && !sim.violation());
  sim.await(Agreement::kHealth, kCalmLimit);
}

// The first slots of each shard: one that elections alone move, and one for operators too.
std::vector<Slot> busy_slots(const Cluster& cluster) {
  std::vector<Slot> slots;
  for (std::uint32_t shard = 0; shard < cluster.shape().primaries; ++shard) {
    const Slot first = cluster.slots(Shard{shard}).first;
    slots.push_back(first);
    slots.push_back(Slot{static_cast<std::uint16_t>(first.value + 1)});
  }
  return slots;
}

}  // namespace

SeedRun run_seed(Seed seed, const PlantedBugs& bugs, bool fails_test, std::optional<Trouble::Mixture> wanted) {
  Random random(seed.value * 2 + 1);
  const Trouble::Mixture mixture = wanted ? *wanted : draw_mixture(random);
  ClusterShape shape = draw_shape(random, mixture);
  shape.bugs = bugs;
  Sim sim(seed);
  Trouble trouble(sim, random.next(), mixture);
  const Cluster cluster = sim.cluster(shape);
  Clients clients(sim, random.next(), busy_slots(cluster));
  clients.start(shape.primaries + 1);
  if (!sim.violation()) {
    const auto faults = draw_faults(random, mixture);
    const nanoseconds span = draw_between(random, 45s, 75s);
    trouble.plan(static_cast<std::uint32_t>(faults), span);
    sim.run_for(span);
  }
  // Some kinds need a victim that is up and find none.
  while (!sim.violation() && sim.journal().tally().all_faults() < kFewestFaults) {
    trouble.plan(1, 1s);
    sim.run_for(1s);
  }
  if (!sim.violation()) {
    calm_down(sim, trouble.moves());
    sim.run_for(5s);
    if (sim.elapsed() < kShortestSeed) sim.run_for(kShortestSeed - sim.elapsed());
    sim.heal();
    if (!sim.violation()) sim.await(Agreement::kHealth, kBetweenRepairs);
  }
  if (!sim.violation()) {
    clients.stop();
    sim.run_for(2s);
    sim.await_data(30s);
    sim.journal().count(EventKind::kLostWrite, sim.data().count_lost_writes(sim.hosts()));
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
