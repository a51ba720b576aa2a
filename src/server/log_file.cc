#include "log_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace skein {

namespace {

constexpr seconds kLookEvery{1};

}  // namespace

LogFile::~LogFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> LogFile::open() { return open(path_, 0); }

Result<void> LogFile::move_to(const std::string& path) {
  if (auto opened = open(path, 0); !opened) return opened;
  path_ = path;
  return {};
}

Result<void> LogFile::open(const std::string& path, int more_flags) {
  const int fresh = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | more_flags, 0666);
  if (fresh < 0) return Error(fmt::format("Can't open the log file '{}': {}", path, std::strerror(errno)));
  if (descriptor_ < 0) {
    descriptor_ = fresh;
    return {};
  }
  const bool moved = ::dup3(fresh, descriptor_, O_CLOEXEC) >= 0;
  const Error error(fmt::format("Can't open the log file '{}': {}", path, std::strerror(errno)));
  ::close(fresh);
  if (!moved) return error;
  return {};
}

void LogFile::write(std::string_view line, MonoTime now) {
  if (now >= look_at_) follow(now);
  // A log that cannot be written has nowhere to say so.
  [[maybe_unused]] const auto written = ::write(descriptor_, line.data(), line.size());
}

void LogFile::follow(MonoTime now) {
  look_at_ = now + kLookEvery;
  struct stat there{};
  struct stat open_one{};
  if (::stat(path_.c_str(), &there) == 0) {
    if (::fstat(descriptor_, &open_one) != 0) return;
    if (there.st_dev == open_one.st_dev && there.st_ino == open_one.st_ino) return;
    // Opening a pipe would wait for its reader.
    if (!S_ISREG(there.st_mode)) return;
  } else if (errno != ENOENT) {
    return;
  }
  (void)open(path_, O_NONBLOCK);
}

}  // namespace skein
