// From what this program was built. The values are written by cmake/build_info.cmake at each build.
#pragma once

#include <string>
#include <string_view>

namespace skein {

struct BuildInfo {
  std::string_view commit;  // eight digits of its hash; zeros: unknown
  bool modified = false;    // with changes of its own
  std::string_view time;    // of the commit
};
extern const BuildInfo kBuildInfo;

// A number that differs from build to build, in hexadecimal digits.
[[nodiscard]] std::string build_id(const BuildInfo& build);

}  // namespace skein
