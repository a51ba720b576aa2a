// A disk made of a map, for configuration that includes.
#pragma once

#include <skein/base/text.h>
#include <skein/config/parse.h>

#include <map>
#include <string>
#include <vector>

namespace skein {

class FakeFiles : public ConfigFiles {
 public:
  std::map<std::string, std::string> files;
  std::vector<std::string> entered;

  Result<std::string> read(const std::string& path) override {
    const auto it = files.find(path);
    if (it == files.end()) return Error("No such file or directory");
    return it->second;
  }
  std::vector<std::string> expand(const std::string& pattern) override {
    std::vector<std::string> found;
    for (const auto& [path, text] : files) {
      if (glob_match(pattern, path)) found.push_back(path);
    }
    return found;
  }
  Result<void> enter_directory(const std::string& path) override {
    if (path == "/nonexist") return Error("No such file or directory");
    entered.push_back(path);
    return {};
  }
  std::string directory() override { return entered.empty() ? "/start" : entered.back(); }
};

}  // namespace skein
