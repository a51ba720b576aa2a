#include <skein/disk/safe_file.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include <skein/disk/leftovers.h>

namespace skein {

namespace {

// Closes what it holds, which also gives up the lock.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

Error system_error(std::string_view what) { return Error(fmt::format("{}: {}", what, std::strerror(errno))); }

int open_retrying(const std::string& path, int flags) {
  int fd = -1;
  do fd = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
  while (fd < 0 && errno == EINTR);
  return fd;
}

Result<void> write_all(int fd, std::string_view bytes, off_t at) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), at);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return system_error("write");
    bytes.remove_prefix(static_cast<std::size_t>(written));
    at += written;
  }
  return {};
}

Result<void> sync_file(int fd) {
  if (::fsync(fd) != 0) return system_error("fsync");
  return {};
}

Result<void> sync_directory_of(const std::string& path) {
  const auto directory = std::filesystem::path(path).parent_path().string();
  const Descriptor fd(open_retrying(directory, O_RDONLY | O_DIRECTORY));
  if (!fd.is_open()) return system_error("open directory");
  // Some file systems cannot; the rename is as safe there as it gets.
  if (::fsync(fd.get()) != 0 && errno != EINVAL && errno != EROFS) return system_error("fsync directory");
  return {};
}

bool is_same_file(int fd, const std::string& path) {
  struct stat by_fd {};
  struct stat by_name {};
  return ::fstat(fd, &by_fd) == 0 && ::stat(path.c_str(), &by_name) == 0 && by_fd.st_dev == by_name.st_dev &&
         by_fd.st_ino == by_name.st_ino;
}

// The directory or the name does not allow what replacing needs, while the file itself may
// well be written: a file mounted alone, a folder of somebody else's, a read-only one.
bool is_about_the_name(int error) {
  return error == EBUSY || error == EXDEV || error == EACCES || error == EPERM || error == EROFS ||
         error == ETXTBSY || error == EISDIR;
}

}  // namespace

LockedFile::LockedFile(LockedFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

LockedFile& LockedFile::operator=(LockedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

LockedFile::~LockedFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::string LockedFile::resolve(const std::string& path) {
  std::error_code failed;
  auto absolute = std::filesystem::absolute(path, failed);
  if (failed) return path;  // opening it will say why
  if (auto target = std::filesystem::canonical(absolute, failed); !failed) return target.string();
  // The folder alone may be one behind a link.
  if (auto folder = std::filesystem::canonical(absolute.parent_path(), failed); !failed) {
    return (folder / absolute.filename()).string();
  }
  return absolute.string();
}

Result<LockedFile> LockedFile::open(std::string path) {
  path = resolve(path);
  for (;;) {
    Descriptor fd(open_retrying(path, O_RDWR | O_CREAT));
    if (!fd.is_open()) return system_error("cannot open").within(path);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return Error("already used by another process; give each node a file of its own").within(path);
      return system_error("cannot lock").within(path);
    }
    // Whoever held it may have replaced it between the two calls; the lock is then on a
    // file that has lost its name.
    if (!is_same_file(fd.get(), path)) continue;
    // What is read will be acted on, so first it is made certain: the process that wrote it
    // may have been killed before it had synced.
    if (auto synced = sync_file(fd.get()); !synced) return synced.error().within(path);
    if (auto synced = sync_directory_of(path); !synced) return synced.error().within(path);
    remove_unfinished_replacements(path);
    return LockedFile(std::move(path), fd.release());
  }
}

Result<std::string> LockedFile::read() const {
  std::string content;
  char buffer[16384];
  for (;;) {
    const ssize_t got = ::pread(descriptor_, buffer, sizeof buffer, static_cast<off_t>(content.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("cannot read").within(path_);
    if (got == 0) return content;
    content.append(buffer, static_cast<std::size_t>(got));
  }
}

Result<void> LockedFile::replace(std::string_view content) {
  bool may_write_in_place = false;
  auto done = replace_by_rename(content, may_write_in_place);
  if (!done && may_write_in_place) done = overwrite(content);
  if (!done) return done.error().within(path_);
  return {};
}

Result<void> LockedFile::replace_by_rename(std::string_view content, bool& may_write_in_place) {
  const std::string temporary = fmt::format("{}.tmp-{}", path_, ::getpid());
  int fd = open_retrying(temporary, O_RDWR | O_CREAT | O_EXCL);
  if (fd < 0 && errno == EEXIST) {
    // Left behind by a process that had this number before and was killed in the middle.
    ::unlink(temporary.c_str());
    fd = open_retrying(temporary, O_RDWR | O_CREAT | O_EXCL);
  }
  if (fd < 0) {
    may_write_in_place = is_about_the_name(errno);
    return system_error("cannot make a temporary file");
  }
  Descriptor fresh(fd);
  const auto give_up = [&](Error error) {
    ::unlink(temporary.c_str());
    return error;
  };
  // Before it has the name: nobody may find the new file unlocked.
  if (::flock(fresh.get(), LOCK_EX | LOCK_NB) != 0) return give_up(system_error("cannot lock"));
  struct stat old {};
  if (::fstat(descriptor_, &old) == 0) {
    (void)!::fchmod(fresh.get(), old.st_mode & 07777);
    (void)!::fchown(fresh.get(), old.st_uid, old.st_gid);
  }
  if (auto written = write_all(fresh.get(), content, 0); !written) return give_up(written.error());
  if (auto synced = sync_file(fresh.get()); !synced) return give_up(synced.error());
  if (::rename(temporary.c_str(), path_.c_str()) != 0) {
    may_write_in_place = is_about_the_name(errno);
    return give_up(system_error("cannot rename"));
  }
  // The new one has the name: it is ours whether or not the directory can be synced.
  const Descriptor replaced(std::exchange(descriptor_, fresh.release()));
  return sync_directory_of(path_);
}

// The longer old text is blanked before it is cut, so that a crash in between leaves empty
// lines behind the new text and no half of an old one.
Result<void> LockedFile::overwrite(std::string_view content) {
  struct stat old {};
  if (::fstat(descriptor_, &old) != 0) return system_error("stat");
  std::string text(content);
  text.resize(std::max(text.size(), static_cast<std::size_t>(old.st_size)), '\n');
  if (auto written = write_all(descriptor_, text, 0); !written) return written;
  if (auto synced = sync_file(descriptor_); !synced) return synced;
  if (text.size() == content.size()) return {};
  if (::ftruncate(descriptor_, static_cast<off_t>(content.size())) != 0) return system_error("truncate");
  return sync_file(descriptor_);
}

}  // namespace skein
