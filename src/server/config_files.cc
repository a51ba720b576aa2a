#include "config_files.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <glob.h>
#include <unistd.h>

namespace skein {

Result<std::string> DiskConfigFiles::read(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return Error(std::strerror(errno));
  std::string text;
  char piece[4096];
  ssize_t count = 0;
  while ((count = ::read(descriptor, piece, sizeof piece)) > 0) text.append(piece, static_cast<std::size_t>(count));
  const int error = errno;
  ::close(descriptor);
  if (count < 0) return Error(std::strerror(error));
  return text;
}

std::vector<std::string> DiskConfigFiles::expand(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  return paths;
}

Result<void> DiskConfigFiles::enter_directory(const std::string& path) {
  if (::chdir(path.c_str()) != 0) return Error(std::strerror(errno));
  return {};
}

std::string DiskConfigFiles::directory() {
  std::array<char, 4096> path;
  return ::getcwd(path.data(), path.size()) != nullptr ? path.data() : ".";
}

std::string ConfigFilesFrom::from_here(const std::string& path) const {
  return path.starts_with('/') ? path : directory_ + "/" + path;
}

Result<std::string> ConfigFilesFrom::read(const std::string& path) { return DiskConfigFiles().read(from_here(path)); }

std::vector<std::string> ConfigFilesFrom::expand(const std::string& pattern) {
  return DiskConfigFiles().expand(from_here(pattern));
}

Result<void> ConfigFilesFrom::enter_directory(const std::string& path) {
  std::error_code failed;
  const auto there = std::filesystem::canonical(from_here(path), failed);
  if (failed) return Error(failed.message());
  if (!std::filesystem::is_directory(there, failed)) return Error(std::strerror(ENOTDIR));
  directory_ = there.string();
  return {};
}

}  // namespace skein
