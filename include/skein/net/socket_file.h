// The name a unix socket has in the file system: whose it is, and whether it may be replaced or removed.
#pragma once

#include <string>

#include <sys/types.h>

#include <skein/base/result.h>

namespace skein {

class SocketFile {
 public:
  // Before a socket is bound to `path`. What a server left that is gone is removed; refused when somebody listens
  // there, or when it is no socket at all.
  static Result<void> make_room(const std::string& path);

  SocketFile() = default;
  // Of a socket that has just been bound to `path`.
  explicit SocketFile(const std::string& path);
  // Removes it, wherever the working directory has gone since, if it is still the one that was bound.
  void remove();

 private:
  std::string path_;  // absolute; empty: none
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace skein
