// The disk as the configuration parser sees it.
#pragma once

#include <skein/config/parse.h>

namespace skein {

class DiskConfigFiles final : public ConfigFiles {
 public:
  Result<std::string> read(const std::string& path) override;
  std::vector<std::string> expand(const std::string& pattern) override;
  Result<void> enter_directory(const std::string& path) override;
  std::string directory() override;
};

// The same seen from another directory, without going there.
class ConfigFilesFrom final : public ConfigFiles {
 public:
  explicit ConfigFilesFrom(std::string directory) : directory_(std::move(directory)) {}

  Result<std::string> read(const std::string& path) override;
  std::vector<std::string> expand(const std::string& pattern) override;
  Result<void> enter_directory(const std::string& path) override;
  std::string directory() override { return directory_; }

 private:
  [[nodiscard]] std::string from_here(const std::string& path) const;

  std::string directory_;
};

}  // namespace skein
