// Holds every include of ours to the layers of cmake/layers.cmake: a layer sees itself and
// what it names after SEES, its private headers are its own, and asio stays at the bottom.

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace skein {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = SKEIN_SOURCE_DIR;
const std::set<std::string> kMayUseAsio = {"net", "disk", "server"};

std::string read(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

struct Layers {
  std::vector<std::string> in_order;
  std::map<std::string, std::set<std::string>> sees;

  // The layer a path below include/skein or src belongs to: the longest that fits, so that
  // keyspace/types is part of keyspace and cluster/node is not part of anything shorter.
  [[nodiscard]] std::optional<std::string> of(const std::string& path) const {
    std::optional<std::string> best;
    for (const std::string& layer : in_order) {
      if (path.starts_with(layer + "/") && (!best || layer.size() > best->size())) best = layer;
    }
    return best;
  }
};

Layers read_layers() {
  Layers layers;
  const std::string text = read(kRoot / "cmake/layers.cmake");
  const std::regex declaration(R"(skein_layer\(([^)]*)\))");
  for (std::sregex_iterator it(text.begin(), text.end(), declaration), end; it != end; ++it) {
    std::istringstream words((*it)[1]);
    std::string name;
    words >> name;
    layers.in_order.push_back(name);
    std::set<std::string>& seen = layers.sees[name];
    bool naming_layers = false;
    for (std::string word; words >> word;) {
      if (word == "SEES" || word == "LIBS") {
        naming_layers = word == "SEES";
      } else if (naming_layers) {
        seen.insert(word);
      }
    }
  }
  return layers;
}

struct Include {
  fs::path file;
  std::string layer;   // of the file
  std::string target;  // between the brackets or quotes
  bool quoted = false;
};

// Every include of every file below `folder`; files outside the layers are failures.
void collect(const fs::path& folder, const Layers& layers, std::vector<Include>& found) {
  const std::regex directive(R"re(^\s*#\s*include\s*([<"])([^>"]+)[>"])re");
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string extension = entry.path().extension();
    if (!entry.is_regular_file() || (extension != ".h" && extension != ".cc")) continue;
    const auto layer = layers.of(fs::relative(entry.path(), folder).generic_string());
    if (!layer) {
      ADD_FAILURE() << entry.path() << " belongs to no layer of cmake/layers.cmake";
      continue;
    }
    std::ifstream lines(entry.path());
    for (std::string line; std::getline(lines, line);) {
      std::smatch match;
      if (std::regex_search(line, match, directive)) {
        found.push_back({entry.path(), *layer, match[2], match[1] == "\""});
      }
    }
  }
}

class LayersTest : public testing::Test {
 protected:
  LayersTest() {
    collect(kRoot / "include/skein", layers_, includes_);
    collect(kRoot / "src", layers_, includes_);
  }

  Layers layers_ = read_layers();
  std::vector<Include> includes_;
};

TEST_F(LayersTest, AreReadFromWhereTheBuildReadsThem) {
  ASSERT_FALSE(layers_.in_order.empty());
  EXPECT_EQ(layers_.in_order.front(), "base");
  EXPECT_EQ(layers_.in_order.back(), "server");
  EXPECT_GT(includes_.size(), 50u);
}

TEST_F(LayersTest, EachSeesOnlyWhatIsDeclaredAboveIt) {
  std::set<std::string> above;
  for (const std::string& layer : layers_.in_order) {
    for (const std::string& seen : layers_.sees[layer]) {
      EXPECT_TRUE(above.contains(seen)) << layer << " sees " << seen << ", which is not declared above it";
    }
    above.insert(layer);
  }
}

TEST_F(LayersTest, NoIncludePointsTheWrongWay) {
  for (const Include& include : includes_) {
    if (include.quoted || !include.target.starts_with("skein/")) continue;
    const auto target = layers_.of(include.target.substr(std::string("skein/").size()));
    if (!target) {
      ADD_FAILURE() << include.file << " includes <" << include.target << ">, which is in no layer";
      continue;
    }
    EXPECT_TRUE(*target == include.layer || layers_.sees[include.layer].contains(*target))
        << include.file << ": " << include.layer << " may not see " << *target << " (<" << include.target << ">)";
  }
}

TEST_F(LayersTest, PrivateHeadersBelongToTheirFolder) {
  for (const Include& include : includes_) {
    if (!include.quoted) continue;
    const std::string file = fs::relative(include.file, kRoot).generic_string();
    EXPECT_TRUE(file.starts_with("src/")) << file << ": a public header includes \"" << include.target << '"';
    // Beside the file, or from the top of the layer's own folder.
    const fs::path own_folder = kRoot / "src" / include.layer;
    const bool own = fs::exists(include.file.parent_path() / include.target) || fs::exists(own_folder / include.target);
    const bool leaves = include.target.find("..") != std::string::npos;
    EXPECT_TRUE(own && !leaves) << file << " includes \"" << include.target << "\", which is not its folder's";
  }
}

TEST_F(LayersTest, AsioStaysInTheLayersThatAct) {
  for (const Include& include : includes_) {
    if (include.target != "asio.hpp" && !include.target.starts_with("asio/")) continue;
    EXPECT_TRUE(kMayUseAsio.contains(include.layer)) << include.file << " includes <" << include.target << '>';
  }
}

}  // namespace
}  // namespace skein
