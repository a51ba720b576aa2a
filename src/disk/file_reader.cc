#include <skein/disk/file_reader.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace skein {

Result<FileReader> FileReader::open(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return Error(std::strerror(errno)).within(path);
  struct stat facts {};
  if (::fstat(descriptor, &facts) != 0) {
    const int why = errno;
    ::close(descriptor);
    return Error(std::strerror(why)).within(path);
  }
  return FileReader(descriptor, static_cast<std::uint64_t>(facts.st_size));
}

FileReader::FileReader(FileReader&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), size_(other.size_) {}

FileReader::~FileReader() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<std::size_t> FileReader::read_at(std::uint64_t offset, std::span<char> into) const {
  for (;;) {
    const ssize_t count = ::pread(descriptor_, into.data(), into.size(), static_cast<off_t>(offset));
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) return Error(std::strerror(errno));
  }
}

}  // namespace skein
