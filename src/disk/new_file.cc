#include <skein/disk/new_file.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include <skein/disk/leftovers.h>

namespace skein {

namespace {

constexpr std::uint64_t kSyncEvery = 4 * 1024 * 1024;

Error system_error(std::string_view what) { return Error(fmt::format("{}: {}", what, std::strerror(errno))); }

Result<void> sync_folder_of(const std::string& path) {
  std::string folder = std::filesystem::path(path).parent_path().string();
  if (folder.empty()) folder = ".";
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return system_error("open directory");
  // Some file systems cannot; the rename is as safe there as it gets.
  const bool failed = ::fsync(descriptor) != 0 && errno != EINVAL && errno != EROFS;
  const Error error = system_error("fsync directory");
  ::close(descriptor);
  if (failed) return error;
  return {};
}

}  // namespace

Result<NewFile> NewFile::create(std::string path, bool sync_on_the_way) {
  const auto open_new = [&path] {
    int descriptor = -1;
    do descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    while (descriptor < 0 && errno == EINTR);
    return descriptor;
  };
  int descriptor = open_new();
  // Left by a process that had our number, or planted: what it stands for is not written to, and nobody leaves a link.
  if (descriptor < 0 && errno == EEXIST) {
    std::error_code unknown;
    if (std::filesystem::is_symlink(path, unknown)) return Error("a link stands where a new file is to be made").within(path);
    if (::unlink(path.c_str()) == 0) descriptor = open_new();
  }
  if (descriptor < 0) return system_error("open").within(path);
  hold_unfinished(descriptor);
  return NewFile(std::move(path), descriptor, sync_on_the_way);
}

NewFile::NewFile(NewFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      sync_on_the_way_(other.sync_on_the_way_),
      size_(other.size_),
      synced_to_(other.synced_to_) {}

NewFile::~NewFile() {
  if (descriptor_ < 0) return;
  ::unlink(path_.c_str());
  ::close(descriptor_);
}

Result<void> NewFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return system_error("write");
    bytes.remove_prefix(static_cast<std::size_t>(written));
    size_ += static_cast<std::uint64_t>(written);
  }
  if (sync_on_the_way_ && size_ - synced_to_ >= kSyncEvery) {
    // Begins to write this part and waits for the one before: the disk is kept busy, and what
    // waits in memory stays small.
    const auto length = static_cast<off64_t>(size_ - synced_to_);
    const auto from = static_cast<off64_t>(synced_to_);
    (void)::sync_file_range(descriptor_, from, length, SYNC_FILE_RANGE_WRITE);
    const off64_t before = std::max<off64_t>(0, from - static_cast<off64_t>(kSyncEvery));
    if (from > before) {
      (void)::sync_file_range(descriptor_, before, from - before,
                              SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
    }
    synced_to_ = size_;
  }
  return {};
}

Result<void> NewFile::commit(const std::string& name) {
  // Whatever sync_file_range has met is told by this one.
  if (::fsync(descriptor_) != 0) return system_error("fsync");
  if (::rename(path_.c_str(), name.c_str()) != 0) return system_error("rename");
  ::close(std::exchange(descriptor_, -1));
  return sync_folder_of(name);
}

}  // namespace skein
