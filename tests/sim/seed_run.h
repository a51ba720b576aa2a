// One seed: a cluster of its own shape, faults of its own kinds, and calm at the end.
#pragma once

#include <optional>
#include <string>

#include "journal.h"
#include "sim.h"
#include "trouble.h"

namespace skein::sim {

// What every seed is at least.
inline constexpr std::uint32_t kFewestNodes = 6;
inline constexpr std::uint32_t kFewestFaults = 3;
inline constexpr nanoseconds kShortestSeed = seconds{60};

struct SeedRun {
  std::uint32_t nodes = 0;
  nanoseconds span{0};  // virtual
  Tally tally;
  std::optional<std::string> broken;
  std::uint64_t fingerprint = 0;
};

// With `fails_test`, a broken rule fails the running test. `mixture`: the faults, else the seed draws it.
[[nodiscard]] SeedRun run_seed(Seed seed, const PlantedBugs& bugs = {}, bool fails_test = true,
                               std::optional<Trouble::Mixture> mixture = std::nullopt);

// SKEIN_SIM_SEEDS and SKEIN_SIM_FIRST_SEED, or what the test would have.
[[nodiscard]] std::uint64_t seeds_wanted(std::uint64_t otherwise);
[[nodiscard]] std::uint64_t first_seed(std::uint64_t otherwise);

}  // namespace skein::sim
