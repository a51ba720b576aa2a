// A file that is read from anywhere and does not change meanwhile.
//
// Opened once: that another file takes its name later, or that the name goes, changes nothing.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include <skein/base/result.h>

namespace skein {

class FileReader {
 public:
  static Result<FileReader> open(const std::string& path);

  FileReader(FileReader&& other) noexcept;
  FileReader& operator=(FileReader&& other) = delete;
  ~FileReader();

  [[nodiscard]] std::uint64_t size() const { return size_; }
  // As many bytes as there are from `offset` on, or fit.
  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) const;

 private:
  FileReader(int descriptor, std::uint64_t size) : descriptor_(descriptor), size_(size) {}

  int descriptor_;
  std::uint64_t size_;
};

}  // namespace skein
