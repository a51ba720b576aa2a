// The parts that everything in an RDB file is made of, lengths and strings: how far they reach
// while they are still arriving, and what they say once they are there.
//
// Both take any bytes: nothing here reads beyond the view it is given, and nothing is allocated
// that the bytes present do not justify.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

#include "rdb_format.h"

namespace skein::rdb {

// Little-endian on the wire and on every machine we build for.
static_assert(std::endian::native == std::endian::little);

template <typename T>
[[nodiscard]] inline T load_le(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

enum class Found : std::uint8_t { kWhole, kMore, kDamaged };

// With its head, the size of a string that is there whole, as it is, with a length of one byte: what
// nearly all keys and values are. Else 0.
[[nodiscard]] inline std::size_t short_string(std::string_view bytes, std::size_t at) {
  if (at >= bytes.size()) return 0;
  const auto size = static_cast<std::uint8_t>(bytes[at]);
  return size < 64 && bytes.size() - at > size ? std::size_t{size} + 1 : 0;
}

// Passes over a record part by part. Where the bytes end too early it keeps its place, and the
// next look with more bytes goes on from there: however small the pieces, no byte is looked at
// more often than its own part's head asks for.
struct Extent {
  std::size_t at = 0;      // what has been passed
  std::size_t wanted = 0;  // after kMore: a look with fewer bytes than these is in vain

  [[nodiscard]] Found pass_bytes(std::string_view bytes, std::uint64_t count) {
    // No string of such a size can exist; a sum with it must not overflow.
    if (count > std::uint64_t{1} << 48) return Found::kDamaged;
    if (bytes.size() - at < count) {
      wanted = at + count;
      return Found::kMore;
    }
    at += count;
    return Found::kWhole;
  }
  [[nodiscard]] Found pass_length(std::string_view bytes);
  [[nodiscard]] Found pass_string(std::string_view bytes) {
    if (const std::size_t size = short_string(bytes, at); size != 0) [[likely]] {
      at += size;
      return Found::kWhole;
    }
    return pass_any_string(bytes);
  }

 private:
  [[nodiscard]] Found pass_any_string(std::string_view bytes);
};

struct LengthCode {
  Found found;
  std::uint8_t size = 0;  // its own bytes; with kMore how many there must be
  bool special = false;   // `value` is a string's coding
  std::uint64_t value = 0;
};
[[nodiscard]] LengthCode read_length(std::string_view bytes, std::size_t at);

// A string up to where its bytes begin.
struct StringHead {
  enum class Coding : std::uint8_t { kPlain, kInteger, kCompressed };
  Found found;
  Coding coding = Coding::kPlain;
  std::size_t body_at = 0;  // with kMore how many bytes there must be
  std::uint64_t size = 0;   // of the bytes that follow
  std::uint64_t plain = 0;  // of what they unpack to
};
[[nodiscard]] StringHead read_string_head(std::string_view bytes, std::size_t at);

// Room that decoded strings share.
class Scratch {
 public:
  [[nodiscard]] char* room(std::size_t size);

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
};

// Decodes what lies whole in `bytes`. The first thing that is wrong ends it: `problem` says what.
class Reader {
 public:
  Reader(std::string_view bytes, Scratch& scratch) : bytes_(bytes), scratch_(scratch) {}

  [[nodiscard]] std::optional<std::uint64_t> length();
  template <typename T>
  [[nodiscard]] std::optional<T> little_endian() {
    const auto raw = bytes(sizeof(T));
    if (!raw) return std::nullopt;
    return load_le<T>(raw->data());
  }
  [[nodiscard]] std::optional<std::string_view> bytes(std::size_t count);

  // The bytes live until the scratch is used again.
  struct String {
    std::string_view bytes;
    std::optional<std::int64_t> integer;  // then there are no bytes
  };
  [[nodiscard]] std::optional<String> string() {
    if (const std::size_t size = short_string(bytes_, at_); size != 0) [[likely]] {
      at_ += size;
      return String{bytes_.substr(at_ - size + 1, size - 1), std::nullopt};
    }
    return any_string();
  }
  // The same, an integer written out in decimal.
  [[nodiscard]] std::optional<std::string_view> text() {
    const auto read = string();
    if (!read) return std::nullopt;
    return read->integer ? decimal(*read->integer) : read->bytes;
  }

  [[nodiscard]] std::size_t left() const { return bytes_.size() - at_; }
  [[nodiscard]] const char* problem() const { return problem_; }

 private:
  [[nodiscard]] std::optional<String> any_string();
  [[nodiscard]] std::string_view decimal(std::int64_t integer);
  std::nullopt_t refuse(const char* problem) {
    problem_ = problem;
    return std::nullopt;
  }

  std::string_view bytes_;
  Scratch& scratch_;
  std::size_t at_ = 0;
  const char* problem_ = "";
};

}  // namespace skein::rdb
