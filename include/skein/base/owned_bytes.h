// Bytes in an allocation of their own, which one owner hands to the next instead of copying
// them: a large argument is received into one and becomes the value.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>

#include <skein/base/memory.h>

namespace skein {

class OwnedBytes {
 public:
  OwnedBytes() = default;
  OwnedBytes(OwnedBytes&& other) noexcept { swap(other); }
  OwnedBytes& operator=(OwnedBytes&& other) noexcept {
    OwnedBytes(std::move(other)).swap(*this);
    return *this;
  }
  ~OwnedBytes() {
    if (data_ != nullptr) release(data_, capacity_);
  }
  void swap(OwnedBytes& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(capacity_, other.capacity_);
  }

  // Moves the first `keep` bytes to an allocation of at least `size`.
  void reallocate(std::size_t size, std::size_t keep) {
    OwnedBytes fresh;
    fresh.capacity_ = allocation_size(size);
    fresh.data_ = static_cast<char*>(allocate(fresh.capacity_));
    if (keep != 0) std::memcpy(fresh.data_, data_, std::min(keep, capacity_));
    swap(fresh);
  }

  explicit operator bool() const { return data_ != nullptr; }
  [[nodiscard]] char* data() { return data_; }
  [[nodiscard]] const char* data() const { return data_; }
  // What was allocated, in the allocator's size classes.
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  // The memory becomes the caller's, to be given back with `release(memory, capacity)`.
  [[nodiscard]] char* let_go() {
    capacity_ = 0;
    return std::exchange(data_, nullptr);
  }

 private:
  char* data_ = nullptr;
  std::size_t capacity_ = 0;
};

}  // namespace skein
