// The files of the repository as people find them: what is to be run can be, and what is there is named.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace skein {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = SKEIN_SOURCE_DIR;

std::string read(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Files, EveryScriptCanBeRunAsItIsPrinted) {
  std::size_t scripts = 0;
  for (const char* folder : {".ci", "scripts", "tests"}) {
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path());
      if (file.get() != '#' || file.get() != '!') continue;
      ++scripts;
      EXPECT_NE(entry.status().permissions() & fs::perms::owner_exec, fs::perms::none) << entry.path();
    }
  }
  EXPECT_GT(scripts, 20u);
}

TEST(Files, TheReadmeNamesEveryPageOfTheDocumentation) {
  const std::string readme = read(kRoot / "README.md");
  const auto table = readme.find("| `docs/` |");
  ASSERT_NE(table, std::string::npos);
  const auto line = readme.substr(table, readme.find('\n', table) - table);
  for (const auto& entry : fs::directory_iterator(kRoot / "docs")) {
    const std::string page = entry.path().filename().string();
    if (!page.ends_with(".md")) continue;
    EXPECT_NE(line.find("(docs/" + page + ")"), std::string::npos) << page;
  }
}

// Who follows the page and then starts the printed files must not find the ports taken.
TEST(Files, QuickstartAndConfigurationsUseDifferentPorts) {
  const std::string node = read(kRoot / "conf/cluster-node.conf");
  EXPECT_NE(node.find("\nport 7101\n"), std::string::npos);
  EXPECT_NE(read(kRoot / "scripts/quickstart.sh").find(":-7000}"), std::string::npos);
  EXPECT_EQ(read(kRoot / "README.md").find("--port 700"), std::string::npos);
  // A file for each: CONFIG REWRITE writes a node's own settings into it.
  EXPECT_NE(node.find("cp cluster-node.conf node-$p/"), std::string::npos);
}

}  // namespace
}  // namespace skein
