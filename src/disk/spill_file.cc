#include <skein/disk/spill_file.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include <skein/base/assert.h>

namespace skein {

namespace {

// Space is given back in steps of this size.
constexpr std::uint64_t kFreeStep = 16 * 1024 * 1024;

Error last_error() { return Error(std::strerror(errno)); }

}  // namespace

Result<SpillFile> SpillFile::create(const std::string& folder) {
  std::string name = folder + "/temp-spill-XXXXXX";
  const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor < 0) return last_error();
  ::unlink(name.c_str());
  return SpillFile(descriptor);
}

SpillFile::SpillFile(SpillFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      begin_(other.begin_),
      end_(other.end_),
      freed_to_(other.freed_to_) {}

SpillFile& SpillFile::operator=(SpillFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(begin_, other.begin_);
  std::swap(end_, other.end_);
  std::swap(freed_to_, other.freed_to_);
  return *this;
}

SpillFile::~SpillFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> SpillFile::append(std::string_view bytes) {
  std::uint64_t at = end_;
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return last_error();
    at += static_cast<std::uint64_t>(count);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  end_ = at;
  return {};
}

Result<std::size_t> SpillFile::peek(std::span<char> into) const {
  const std::size_t wanted = std::min<std::uint64_t>(into.size(), size());
  std::size_t got = 0;
  while (got < wanted) {
    const ssize_t count = ::pread(descriptor_, into.data() + got, wanted - got, static_cast<off_t>(begin_ + got));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return last_error();
    if (count == 0) return Error("the file is shorter than what was written to it");
    got += static_cast<std::size_t>(count);
  }
  return got;
}

void SpillFile::consume(std::size_t bytes) {
  SKEIN_ASSERT(bytes <= size());
  begin_ += bytes;
  if (empty()) {
    // A file system that cannot is left with what is there until the file goes.
    if (::ftruncate(descriptor_, 0) == 0) begin_ = end_ = freed_to_ = 0;
  } else if (begin_ - freed_to_ >= kFreeStep) {
    (void)::fallocate(descriptor_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(freed_to_),
                      static_cast<off_t>(begin_ - freed_to_));
    freed_to_ = begin_;
  }
}

}  // namespace skein
