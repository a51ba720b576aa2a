#include "append_only.h"

#include <filesystem>

#include <fmt/format.h>

namespace skein {

namespace {

namespace fs = std::filesystem;

// The manifest, or a part of one whose manifest was lost; before redis 7 a single file in `dir` itself.
fs::path find_append_only_file(const Settings& settings) {
  std::error_code failed;
  const fs::path single = settings.appendfilename;
  if (fs::is_regular_file(single, failed)) return single;
  const std::string parts = settings.appendfilename + ".";
  for (const auto& entry : fs::directory_iterator(settings.appenddirname, failed)) {
    if (entry.path().filename().string().starts_with(parts)) return entry.path();
  }
  return {};
}

}  // namespace

Result<void> check_no_append_only_file(const Settings& settings) {
  if (!settings.appendonly) return {};
  const fs::path found = find_append_only_file(settings);
  if (found.empty()) return {};
  std::error_code failed;
  return Error(fmt::format("appendonly is yes and there is an append-only file, {}: this version of Skein cannot load it, "
                           "and would start without the data in it. Load it with redis-server, save an RDB file there "
                           "(SAVE) and set appendonly to no; or move the file away to do without its data. Exiting.",
                           fs::absolute(found, failed).string()));
}

}  // namespace skein
