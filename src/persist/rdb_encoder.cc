#include "rdb_encoder.h"

#include <algorithm>
#include <cstring>

#include <skein/base/checksums.h>
#include <skein/base/text.h>

#include <liblzf/lzf.h>

namespace skein::rdb {

namespace {

// DUMP's values are small as a rule.
constexpr std::size_t kFirstRoom = 256;

// Only a spelling that comes out the same again may be kept as a number.
std::optional<std::int64_t> as_number(std::string_view bytes) {
  if (bytes.empty() || bytes.size() > kLongestInteger) return std::nullopt;
  if (bytes[0] != '-' && (bytes[0] < '0' || bytes[0] > '9')) return std::nullopt;
  return parse_int64(bytes);
}

}  // namespace

Encoder::Encoder(ByteSink* sink, Options options)
    : sink_(sink), options_(options), capacity_(sink != nullptr ? kPiece : kFirstRoom) {
  buffer_ = std::make_unique_for_overwrite<char[]>(capacity_);
}

void Encoder::emit(std::string_view bytes) {
  if (!status_ || bytes.empty()) return;
  if (options_.checksum) checksum_ = crc64(checksum_, bytes);
  status_ = sink_->write(bytes);
}

// Makes room for `size`, which with a sink is at most a piece.
void Encoder::overflow(std::size_t size) {
  if (sink_ != nullptr) {
    emit(view());
    used_ = 0;
    return;
  }
  capacity_ = std::max(capacity_ * 2, used_ + size);
  auto grown = std::make_unique_for_overwrite<char[]>(capacity_);
  std::memcpy(grown.get(), buffer_.get(), used_);
  buffer_ = std::move(grown);
}

Result<void> Encoder::flush() {
  emit(view());
  used_ = 0;
  return status_;
}

void Encoder::raw(std::string_view bytes) {
  if (sink_ != nullptr && bytes.size() > kPiece) {
    // Not worth copying: what is there goes first, then the bytes themselves.
    overflow(0);
    for (; !bytes.empty(); bytes.remove_prefix(std::min(kPiece, bytes.size()))) emit(bytes.substr(0, kPiece));
    return;
  }
  make_room(bytes.size());
  std::memcpy(buffer_.get() + used_, bytes.data(), bytes.size());
  used_ += bytes.size();
}

void Encoder::length(std::uint64_t value) {
  if (value < 64) {
    byte(static_cast<std::uint8_t>(value));
  } else if (value < 16384) {
    byte(static_cast<std::uint8_t>((kLength14 << 6) | (value >> 8)));
    byte(static_cast<std::uint8_t>(value));
  } else if (value <= UINT32_MAX) {
    byte(kLength32);
    little_endian(__builtin_bswap32(static_cast<std::uint32_t>(value)));
  } else {
    byte(kLength64);
    little_endian(__builtin_bswap64(value));
  }
}

bool Encoder::as_small_integer(std::int64_t value) {
  if (value >= INT8_MIN && value <= INT8_MAX) {
    byte((kSpecial << 6) | kInt8);
    little_endian(static_cast<std::int8_t>(value));
  } else if (value >= INT16_MIN && value <= INT16_MAX) {
    byte((kSpecial << 6) | kInt16);
    little_endian(static_cast<std::int16_t>(value));
  } else if (value >= INT32_MIN && value <= INT32_MAX) {
    byte((kSpecial << 6) | kInt32);
    little_endian(static_cast<std::int32_t>(value));
  } else {
    return false;
  }
  return true;
}

bool Encoder::as_compressed(std::string_view bytes) {
  if (bytes.size() > UINT32_MAX) return false;
  // Saving less than its longer head costs is no saving.
  const std::size_t room = bytes.size() - 4;
  if (packed_size_ < room) {
    packed_size_ = std::max(room, kPiece);
    packed_ = std::make_unique_for_overwrite<char[]>(packed_size_);
  }
  const unsigned size =
      lzf_compress(bytes.data(), static_cast<unsigned>(bytes.size()), packed_.get(), static_cast<unsigned>(room));
  if (size == 0) return false;
  byte((kSpecial << 6) | kLzf);
  length(size);
  length(bytes.size());
  raw({packed_.get(), size});
  return true;
}

void Encoder::string(std::string_view bytes) {
  if (const auto number = as_number(bytes); number && as_small_integer(*number)) return;
  if (options_.compress && bytes.size() >= kShortestCompressed && as_compressed(bytes)) return;
  if (bytes.size() < 64) [[likely]] {
    make_room(1 + bytes.size());
    buffer_[used_] = static_cast<char>(bytes.size());
    std::memcpy(buffer_.get() + used_ + 1, bytes.data(), bytes.size());
    used_ += 1 + bytes.size();
    return;
  }
  length(bytes.size());
  raw(bytes);
}

void Encoder::integer(std::int64_t value) {
  if (as_small_integer(value)) return;
  std::array<char, 20> text;
  const std::size_t size = write_int64(text.data(), value);
  length(size);
  raw({text.data(), size});
}

}  // namespace skein::rdb
