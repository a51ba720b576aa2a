#include <skein/net/socket_file.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

namespace skein {

namespace {

// Only a socket that nobody listens on refuses; whatever else connecting meets may be alive.
bool is_abandoned(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return false;
  const bool refused = ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
                       errno == ECONNREFUSED;
  ::close(descriptor);
  return refused;
}

}  // namespace

Result<void> SocketFile::make_room(const std::string& path) {
  struct stat there{};
  if (::lstat(path.c_str(), &there) != 0) return {};
  if (!S_ISSOCK(there.st_mode)) return Error("there is something else of this name, which is no socket");
  if (!is_abandoned(path)) return Error("Address already in use: another process listens there");
  struct stat still{};
  if (::lstat(path.c_str(), &still) != 0) return {};
  // Another server may have been quicker.
  if (still.st_dev != there.st_dev || still.st_ino != there.st_ino) return Error("Address already in use");
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return Error(std::strerror(errno));
  return {};
}

SocketFile::SocketFile(const std::string& path) {
  std::error_code failed;
  auto absolute = std::filesystem::absolute(path, failed);
  struct stat there{};
  if (failed || ::lstat(absolute.c_str(), &there) != 0) return;
  path_ = absolute.string();
  device_ = there.st_dev;
  inode_ = there.st_ino;
}

void SocketFile::remove() {
  const std::string path = std::exchange(path_, {});
  struct stat there{};
  if (path.empty() || ::lstat(path.c_str(), &there) != 0) return;
  if (there.st_dev == device_ && there.st_ino == inode_) ::unlink(path.c_str());
}

}  // namespace skein
