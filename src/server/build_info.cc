#include "build_info.h"

#include <fmt/format.h>

#include <skein/base/checksums.h>

namespace skein {

std::string build_id(const BuildInfo& build) {
  return fmt::format("{:x}", crc64(0, fmt::format("{} {} {} {}", SKEIN_VERSION, build.commit, build.modified, build.time)));
}

}  // namespace skein
