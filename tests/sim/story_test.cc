// Every file in stories/ is true.
#include "story.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

namespace skein::sim {

namespace {

std::vector<std::filesystem::path> find_stories() {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(SKEIN_SOURCE_DIR "/tests/sim/stories")) {
    if (entry.path().extension() == ".story") found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

class Stories : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(Stories, IsTrue) {
  std::ifstream file(GetParam());
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  ASSERT_FALSE(text.empty());
  const auto wrong = Story::tell(text);
  EXPECT_FALSE(wrong.has_value()) << GetParam().filename() << ", " << wrong.value_or("");
}

INSTANTIATE_TEST_SUITE_P(Each, Stories, testing::ValuesIn(find_stories()),
                         [](const auto& test) { return test.param.stem().string(); });

TEST(Story, AStepThatIsNotTrueIsNamed) {
  const auto wrong = Story::tell(
      "A false story\n"
      "  a cluster of 3 primaries with 1 replica each, node timeout 2s\n"
      "  A is the primary of shard 0\n"
      "  then A owns shard 1\n");
  ASSERT_TRUE(wrong.has_value());
  EXPECT_TRUE(wrong->starts_with("line 4: \"then A owns shard 1\": node1 does")) << *wrong;
}

}  // namespace

}  // namespace skein::sim
