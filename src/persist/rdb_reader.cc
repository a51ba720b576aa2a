#include "rdb_reader.h"

#include <skein/base/text.h>

#include <liblzf/lzf.h>

namespace skein::rdb {

namespace {

// What LZF can make of so many bytes at most: three of them stand for up to 264.
std::uint64_t most_unpacked(std::uint64_t size) { return size / 3 * 264 + 264; }

std::int64_t read_integer(const char* at, std::uint64_t size) {
  switch (size) {
    case 1: return load_le<std::int8_t>(at);
    case 2: return load_le<std::int16_t>(at);
    default: return load_le<std::int32_t>(at);
  }
}

StringHead read_compressed_head(std::string_view bytes, std::size_t at) {
  const LengthCode size = read_length(bytes, at);
  if (size.found != Found::kWhole) return {.found = size.found, .body_at = at + size.size};
  at += size.size;
  const LengthCode plain = read_length(bytes, at);
  if (plain.found != Found::kWhole) return {.found = plain.found, .body_at = at + plain.size};
  at += plain.size;
  // The compressor's interface counts in 32 bits.
  const bool possible = !size.special && !plain.special && size.value > 0 && size.value <= UINT32_MAX &&
                        plain.value <= UINT32_MAX && plain.value <= most_unpacked(size.value);
  return {possible ? Found::kWhole : Found::kDamaged, StringHead::Coding::kCompressed, at, size.value, plain.value};
}

}  // namespace

LengthCode read_length(std::string_view bytes, std::size_t at) {
  if (at >= bytes.size()) return {Found::kMore, 1};
  const auto first = static_cast<std::uint8_t>(bytes[at]);
  const auto low = static_cast<std::uint8_t>(first & 0x3f);
  const std::size_t left = bytes.size() - at;
  switch (first >> 6) {
    case kLength6: return {Found::kWhole, 1, false, low};
    case kSpecial: return {Found::kWhole, 1, true, low};
    case kLength14:
      if (left < 2) return {Found::kMore, 2};
      return {Found::kWhole, 2, false, (std::uint64_t{low} << 8) | static_cast<std::uint8_t>(bytes[at + 1])};
    default: break;
  }
  if (first == kLength32) {
    if (left < 5) return {Found::kMore, 5};
    return {Found::kWhole, 5, false, __builtin_bswap32(load_le<std::uint32_t>(bytes.data() + at + 1))};
  }
  if (first == kLength64) {
    if (left < 9) return {Found::kMore, 9};
    return {Found::kWhole, 9, false, __builtin_bswap64(load_le<std::uint64_t>(bytes.data() + at + 1))};
  }
  return {Found::kDamaged};
}

StringHead read_string_head(std::string_view bytes, std::size_t at) {
  const LengthCode code = read_length(bytes, at);
  if (code.found != Found::kWhole) return {.found = code.found, .body_at = at + code.size};
  at += code.size;
  if (!code.special) return {Found::kWhole, StringHead::Coding::kPlain, at, code.value, code.value};
  if (code.value <= kInt32) {
    return {Found::kWhole, StringHead::Coding::kInteger, at, std::uint64_t{1} << code.value, 0};
  }
  if (code.value == kLzf) return read_compressed_head(bytes, at);
  return {.found = Found::kDamaged};
}

Found Extent::pass_length(std::string_view bytes) {
  const LengthCode code = read_length(bytes, at);
  if (code.found == Found::kWhole && !code.special) {
    at += code.size;
    return Found::kWhole;
  }
  wanted = at + code.size;
  return code.found == Found::kMore ? Found::kMore : Found::kDamaged;
}

Found Extent::pass_any_string(std::string_view bytes) {
  const StringHead head = read_string_head(bytes, at);
  if (head.found == Found::kWhole) {
    // Only the whole string is passed: its head is read again with each look, and looks come when
    // the string is whole.
    if (head.size > std::uint64_t{1} << 48) return Found::kDamaged;
    if (bytes.size() - head.body_at >= head.size) {
      at = head.body_at + head.size;
      return Found::kWhole;
    }
    wanted = head.body_at + head.size;
    return Found::kMore;
  }
  wanted = head.body_at;
  return head.found;
}

char* Scratch::room(std::size_t size) {
  // What one huge string took is not kept for the small ones behind it.
  constexpr std::size_t kKept = 64UL * 1024;
  if (size > size_ || (size_ > kKept && size <= kKept)) {
    size_ = size > kKept ? size : kKept;
    bytes_ = std::make_unique_for_overwrite<char[]>(size_);
  }
  return bytes_.get();
}

std::optional<std::uint64_t> Reader::length() {
  const LengthCode code = read_length(bytes_, at_);
  if (code.found == Found::kMore) return refuse("it ends in the middle of a length");
  if (code.found == Found::kDamaged || code.special) return refuse("there is no length where one belongs");
  at_ += code.size;
  return code.value;
}

std::optional<std::string_view> Reader::bytes(std::size_t count) {
  if (left() < count) return refuse("it ends too early");
  const auto taken = bytes_.substr(at_, count);
  at_ += count;
  return taken;
}

std::optional<Reader::String> Reader::any_string() {
  const StringHead head = read_string_head(bytes_, at_);
  if (head.found == Found::kMore) return refuse("it ends in the middle of a string");
  if (head.found == Found::kDamaged) return refuse("a string has an impossible head");
  if (bytes_.size() - head.body_at < head.size) return refuse("it ends in the middle of a string");
  at_ = head.body_at + head.size;
  const char* body = bytes_.data() + head.body_at;
  switch (head.coding) {
    case StringHead::Coding::kPlain: return String{{body, head.size}, std::nullopt};
    case StringHead::Coding::kInteger: return String{{}, read_integer(body, head.size)};
    case StringHead::Coding::kCompressed: break;
  }
  char* out = scratch_.room(head.plain);
  const auto unpacked = lzf_decompress(body, static_cast<unsigned>(head.size), out, static_cast<unsigned>(head.plain));
  if (unpacked == 0 || unpacked != head.plain) return refuse("a compressed string does not unpack to its length");
  return String{{out, head.plain}, std::nullopt};
}

std::string_view Reader::decimal(std::int64_t integer) {
  char* out = scratch_.room(20);
  return {out, write_int64(out, integer)};
}

}  // namespace skein::rdb
