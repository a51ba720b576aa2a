// The rules are worth what they find: each mistake, planted on purpose, is found within a
// few seeds, and the same seeds are clean without it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "seed_run.h"

namespace skein::sim {

namespace {

constexpr std::uint64_t kFirstSeed = 1;
constexpr std::uint64_t kMostSeeds = 120;

struct Planted {
  const char* name;
  bool PlantedBugs::*bug;
  std::optional<Trouble::Mixture> mixture = std::nullopt;
};

class PlantedBug : public testing::TestWithParam<Planted> {};

TEST_P(PlantedBug, IsFound) {
  PlantedBugs bugs;
  bugs.*GetParam().bug = true;
  for (std::uint64_t seed = kFirstSeed; seed < kFirstSeed + kMostSeeds; ++seed) {
    const SeedRun run = run_seed(Seed{seed}, bugs, false, GetParam().mixture);
    if (!run.broken) continue;
    fmt::print("{}: found by seed {} after {} events: {}\n", GetParam().name, seed, run.tally.all_events(),
               *run.broken);
    EXPECT_FALSE(run_seed(Seed{seed}, {}, false, GetParam().mixture).broken) << "seed " << seed << " fails without the bug too";
    return;
  }
  FAIL() << GetParam().name << " is not found by " << kMostSeeds << " seeds";
}

INSTANTIATE_TEST_SUITE_P(
    Each, PlantedBug,
    testing::Values(Planted{"vote_twice", &PlantedBugs::vote_twice},
                    Planted{"act_before_saving", &PlantedBugs::act_before_saving},
                    Planted{"forget_epoch_on_restart", &PlantedBugs::forget_epoch_on_restart},
                    Planted{"ignore_newer_config_epoch", &PlantedBugs::ignore_newer_config_epoch},
                    Planted{"believe_unknown_sender", &PlantedBugs::believe_unknown_sender},
                    Planted{"no_quorum_for_fail", &PlantedBugs::no_quorum_for_fail},
                    Planted{"keep_equal_config_epochs", &PlantedBugs::keep_equal_config_epochs},
                    Planted{"fail_is_forever", &PlantedBugs::fail_is_forever},
                    Planted{"serve_in_minority", &PlantedBugs::serve_in_minority},
                    Planted{"lose_slots_on_restart", &PlantedBugs::lose_slots_on_restart},
                    Planted{"ignore_update", &PlantedBugs::ignore_update},
                    Planted{"lower_current_epoch", &PlantedBugs::lower_current_epoch},
                    Planted{"ignore_lease", &PlantedBugs::ignore_lease},
                    Planted{"lease_by_gossip", &PlantedBugs::lease_by_gossip},
                    Planted{"vote_for_the_living", &PlantedBugs::vote_for_the_living},
                    Planted{"elect_without_majority", &PlantedBugs::elect_without_majority},
                    Planted{"claim_before_saving", &PlantedBugs::claim_before_saving},
                    Planted{"stand_without_data", &PlantedBugs::stand_without_data},
                    Planted{"keep_data_of_others", &PlantedBugs::keep_data_of_others, Trouble::Mixture::kHeirs},
                    Planted{"empty_primary_serves", &PlantedBugs::empty_primary_serves},
                    Planted{"reuse_election_epoch", &PlantedBugs::reuse_election_epoch}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace

}  // namespace skein::sim
