#include "build_info.h"
#include "memory_test.h"
#include "system_checks.h"

#include <gtest/gtest.h>

#include <vector>

#include <skein/config/config.h>

namespace skein {
namespace {

SystemFacts fine() {
  return {.overcommit_memory = 1, .somaxconn = 4096, .huge_pages = "always [madvise] never", .clock_source = "tsc"};
}

std::vector<std::string> warnings(const SystemFacts& facts, std::string_view name = "port", std::string_view value = "1") {
  Config config;
  EXPECT_TRUE(config.set(name, value));
  return start_warnings(facts, config.settings());
}

TEST(SystemChecks, NothingIsSaidOfAMachineThatIsFineOrUnknown) {
  EXPECT_TRUE(warnings(fine()).empty());
  EXPECT_TRUE(warnings({}).empty());
}

TEST(SystemChecks, EachTroubleIsNamed) {
  SystemFacts facts = fine();
  facts.overcommit_memory = 0;
  ASSERT_EQ(warnings(facts).size(), 1U);
  EXPECT_NE(warnings(facts)[0].find("vm.overcommit_memory"), std::string::npos);
  facts = fine();
  facts.huge_pages = "[always] madvise never";
  EXPECT_EQ(warnings(facts).size(), 1U);
  facts = fine();
  facts.clock_source = "hpet";
  EXPECT_EQ(warnings(facts).size(), 1U);
  EXPECT_EQ(warnings(fine(), "tcp-backlog", "4097").size(), 1U);
  EXPECT_TRUE(warnings(fine(), "tcp-backlog", "4096").empty());
  EXPECT_EQ(warnings(fine(), "maxmemory", "1048575").size(), 1U);
  EXPECT_TRUE(warnings(fine(), "maxmemory", "1048576").empty());
}

TEST(MemoryTest, SoundMemoryHoldsEveryPattern) {
  std::vector<std::uint64_t> words(1000);
  int steps = 0;
  EXPECT_FALSE(test_memory(std::span<volatile std::uint64_t>(words.data(), words.size()), [&](std::string_view) { ++steps; }));
  EXPECT_EQ(steps, 6);
}

TEST(BuildInfo, BuildsDiffer) {
  const BuildInfo one{"0badcafe", false, "2026-01-01T00:00:00+00:00"};
  BuildInfo other = one;
  other.modified = true;
  EXPECT_NE(build_id(one), build_id(other));
  EXPECT_EQ(build_id(one), build_id({"0badcafe", false, "2026-01-01T00:00:00+00:00"}));
}

}  // namespace
}  // namespace skein
