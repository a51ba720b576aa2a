#include "pid_file.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <string_view>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

namespace skein {

namespace {

std::string own_text() { return fmt::format("{}\n", ::getpid()); }

bool says(const std::string& path, std::string_view text) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return false;
  std::array<char, 32> content;
  const ssize_t size = ::read(descriptor, content.data(), content.size());
  ::close(descriptor);
  return size >= 0 && std::string_view(content.data(), static_cast<std::size_t>(size)) == text;
}

}  // namespace

Result<PidFile> PidFile::write(const std::string& path) {
  std::error_code failed;
  const std::string absolute = std::filesystem::absolute(path, failed).string();
  if (failed) return Error(failed.message());
  const int descriptor = ::open(absolute.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) return Error(std::strerror(errno));
  const std::string text = own_text();
  const bool written = ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int error = errno;
  ::close(descriptor);
  if (!written) return Error(std::strerror(error));
  return PidFile(absolute);
}

PidFile::PidFile(PidFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}

PidFile::~PidFile() {
  if (!path_.empty() && says(path_, own_text())) ::unlink(path_.c_str());
}

}  // namespace skein
