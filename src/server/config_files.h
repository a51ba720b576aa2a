// The disk as the configuration parser sees it.
#pragma once

#include <skein/config/parse.h>

namespace skein {

class DiskConfigFiles final : public ConfigFiles {
 public:
  Result<std::string> read(const std::string& path) override;
  std::vector<std::string> expand(const std::string& pattern) override;
  Result<void> enter_directory(const std::string& path) override;
};

}  // namespace skein
