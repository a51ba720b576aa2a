// The file that says which process serves.
#pragma once

#include <string>

#include <skein/base/result.h>

namespace skein {

// Removes the file at its end, wherever `dir` has led meanwhile, as long as it still says this process.
class PidFile {
 public:
  // Writes "<pid>\n".
  static Result<PidFile> write(const std::string& path);
  ~PidFile();
  PidFile(PidFile&& other) noexcept;
  PidFile& operator=(PidFile&&) = delete;

 private:
  explicit PidFile(std::string path) : path_(std::move(path)) {}

  std::string path_;  // absolute; empty: nothing to remove
};

}  // namespace skein
