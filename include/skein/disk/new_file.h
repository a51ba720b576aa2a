// A large file that gets its name only once it is complete and on disk.
//
// Written piece by piece beside the place it is meant for. Until commit() what stood there
// is untouched; a file that is not committed is removed again. For files of any size, by one
// writer; a small one with a lock is a LockedFile.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <skein/base/result.h>

namespace skein {

class NewFile {
 public:
  // At `path`, which must be in the folder of its later name. What a process that died left
  // there is replaced. `sync_on_the_way`: what is written goes to the disk while more is
  // written, so that the last sync has little left to do.
  static Result<NewFile> create(std::string path, bool sync_on_the_way);

  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&& other) = delete;
  ~NewFile();

  Result<void> write(std::string_view bytes);
  // Synced, and named `name`. Replaces what had the name; nobody ever sees half of either.
  Result<void> commit(const std::string& name);
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  NewFile(std::string path, int descriptor, bool sync_on_the_way)
      : path_(std::move(path)), descriptor_(descriptor), sync_on_the_way_(sync_on_the_way) {}

  std::string path_;
  int descriptor_ = -1;
  bool sync_on_the_way_ = false;
  std::uint64_t size_ = 0;
  std::uint64_t synced_to_ = 0;
};

}  // namespace skein
