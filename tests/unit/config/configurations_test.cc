// The configurations in conf/ start as they are: nothing unknown, refused or without effect.
#include <skein/config/parse.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "fake_files.h"

namespace skein {
namespace {

TEST(Configurations, AreUnderstood) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(SKEIN_SOURCE_DIR) + "/conf")) {
    if (entry.path().extension() != ".conf") continue;
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    FakeFiles files;
    const auto loaded = parse_config(text, entry.path(), files);
    ASSERT_TRUE(loaded) << loaded.error().message();
    EXPECT_TRUE(loaded->notices.empty()) << loaded->notices[0].text;
    EXPECT_TRUE(loaded->warnings.empty()) << entry.path() << ": " << loaded->warnings[0].text;
    ++count;
  }
  EXPECT_GE(count, 2U);
}

}  // namespace
}  // namespace skein
