// Turns lengths, strings and numbers into an RDB file's bytes.
//
// With a sink they leave in pieces of some 64 KiB, summed up on the way; without one they are
// kept until taken.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <skein/base/result.h>
#include <skein/persist/byte_sink.h>

#include "rdb_format.h"

namespace skein::rdb {

class Encoder {
 public:
  struct Options {
    bool compress = true;
    bool checksum = false;
  };
  Encoder(ByteSink* sink, Options options);

  void byte(std::uint8_t value) {
    make_room(1);
    buffer_[used_++] = static_cast<char>(value);
  }
  template <typename T>
  void little_endian(T value) {
    make_room(sizeof value);
    __builtin_memcpy(buffer_.get() + used_, &value, sizeof value);
    used_ += sizeof value;
  }
  void raw(std::string_view bytes);
  void length(std::uint64_t value);
  // In its shortest form: an integer, compressed, or as it is.
  void string(std::string_view bytes);
  void integer(std::int64_t value);

  // Hands everything to the sink. The first error of the sink stays, and nothing is written after it.
  Result<void> flush();
  [[nodiscard]] bool failed() const { return !status_; }
  // Of everything up to the last flush.
  [[nodiscard]] std::uint64_t checksum() const { return checksum_; }
  // What is kept without a sink; and forgets it, but not its room.
  void start_over() { used_ = 0; }
  [[nodiscard]] std::string_view view() const { return {buffer_.get(), used_}; }

 private:
  static constexpr std::size_t kPiece = 64UL * 1024;

  void make_room(std::size_t size) {
    if (capacity_ - used_ < size) [[unlikely]] overflow(size);
  }
  void overflow(std::size_t size);
  void emit(std::string_view bytes);
  [[nodiscard]] bool as_small_integer(std::int64_t value);
  [[nodiscard]] bool as_compressed(std::string_view bytes);

  ByteSink* sink_;
  Options options_;
  std::unique_ptr<char[]> buffer_;
  std::size_t used_ = 0;
  std::size_t capacity_ = 0;
  std::unique_ptr<char[]> packed_;
  std::size_t packed_size_ = 0;
  std::uint64_t checksum_ = 0;
  Result<void> status_;
};

}  // namespace skein::rdb
