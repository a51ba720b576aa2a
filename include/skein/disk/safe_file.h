// A small file that is replaced as a whole, survives a crash at any moment, and belongs to
// one process at a time.
//
// Replacing: a temporary file beside it is written, locked and synced, renamed over it, and
// the directory synced; only then is the old one closed. The lock is on the inode, so it
// is held without a gap. Where the name cannot be renamed over (a file mounted alone into a
// container, a directory that may not be written) the file is overwritten in place.
#pragma once

#include <string>
#include <string_view>

#include <skein/base/result.h>

namespace skein {

class LockedFile {
 public:
  // Opens and locks; makes an empty one where there is none. Refuses when another process
  // holds the lock.
  static Result<LockedFile> open(std::string path);

  // The absolute path under which `path` would be opened now. A link stays a link: what it points to is replaced.
  static std::string resolve(const std::string& path);

  LockedFile(LockedFile&& other) noexcept;
  LockedFile& operator=(LockedFile&& other) noexcept;
  ~LockedFile();

  [[nodiscard]] Result<std::string> read() const;
  // When this returns without an error a crash cannot bring the old content back. After an
  // error the content is the old one (or, in place, torn: try again).
  Result<void> replace(std::string_view content);

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  LockedFile(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  Result<void> replace_by_rename(std::string_view content, bool& may_write_in_place);
  Result<void> overwrite(std::string_view content);

  std::string path_;  // absolute: a later change of directory does not move the file
  int descriptor_ = -1;
};

}  // namespace skein
