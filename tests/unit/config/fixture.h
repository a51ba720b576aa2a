// Answers of a real redis-server 7.0.15, kept beside the tests.
#pragma once

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace skein {

inline std::string fixture(const std::string& name) {
  std::ifstream file(std::string(SKEIN_SOURCE_DIR) + "/tests/unit/config/fixtures/" + name, std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

// What redis does not have.
inline constexpr std::string_view kOwnDirectives[] = {"cluster-handover-on-shutdown"};

// Without the lines that begin with '#'.
inline std::vector<std::string> fixture_lines(const std::string& name) {
  std::vector<std::string> lines;
  std::string line;
  for (const char c : fixture(name)) {
    if (c != '\n') {
      line += c;
      continue;
    }
    if (!line.starts_with('#')) lines.push_back(line);
    line.clear();
  }
  return lines;
}

}  // namespace skein
