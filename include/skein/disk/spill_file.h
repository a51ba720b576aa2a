// A queue of bytes on disk: what does not fit into memory waits here until it can be sent.
//
// The file has no name, so that nothing is left of it whatever happens to the process. What
// has been taken out gives its space back. Where in a stream the bytes belong is the caller's.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <skein/base/result.h>

namespace skein {

class SpillFile {
 public:
  // In a folder whose file system has room for it.
  static Result<SpillFile> create(const std::string& folder);

  SpillFile(SpillFile&& other) noexcept;
  SpillFile& operator=(SpillFile&& other) noexcept;
  ~SpillFile();

  // At the end. After an error none of it is there.
  Result<void> append(std::string_view bytes);
  // Bytes from the front, as many as there are or fit; they stay until they are consumed.
  Result<std::size_t> peek(std::span<char> into) const;
  void consume(std::size_t bytes);
  [[nodiscard]] std::uint64_t size() const { return end_ - begin_; }
  [[nodiscard]] bool empty() const { return end_ == begin_; }

 private:
  explicit SpillFile(int descriptor) : descriptor_(descriptor) {}

  int descriptor_ = -1;
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
  std::uint64_t freed_to_ = 0;
};

}  // namespace skein
