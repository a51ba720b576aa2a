// One key with its value: a single allocation of at most 16 bytes of header, the key's
// bytes and, when it is small, the value's.
//
// Owns its memory layout and nothing else: who may change an entry, and what must be told
// when it does, is database.h's business.
//
//   offset 0  u8  type (low 4 bits), encoding (high 4 bits)
//          1  u8  flags: expiry present, long key, where the value is, how the clock counts
//          2  u8  allocation size in units of 16 bytes; 0 with a long key (then computed)
//          3  u8  key size; 0 with a long key
//          4  u24 access clock: LRU seconds, or LFU minutes and counter
//          7  u8  size of an embedded value
//          8  i64 expiry in Unix milliseconds, if present
//          .  u32 key size, if the key is longer than 255 bytes
//          .  key bytes, then the value: embedded bytes, an i64, or a pointer with its sizes
//
// A key and a value of 16 bytes each take 48 bytes, with or without an expiry.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include <skein/base/owned_bytes.h>
#include <skein/base/time.h>

namespace skein {

enum class ValueType : std::uint8_t { kString, kList, kSet, kZset, kHash, kStream };

// What OBJECT ENCODING answers. A copied number is one that redis would not share with
// other keys; it is told by OBJECT REFCOUNT alone.
enum class Encoding : std::uint8_t { kInt, kEmbstr, kRaw, kCopiedInt };

// When, or how often, an entry was used; see database.h.
struct AccessClock {
  std::uint32_t value = 0;   // 24 bits
  bool counts_uses = false;  // else the second of the last one
  friend bool operator==(const AccessClock&, const AccessClock&) = default;
};

class Entry {
 public:
  // The longest value kept inside the entry, and the longest key with a one-byte size.
  static constexpr std::size_t kMaxEmbedded = 255;
  // Up to here OBJECT ENCODING says embstr, as in redis.
  static constexpr std::size_t kEmbstrLimit = 44;

  using Scratch = std::array<char, 20>;

  // `own`, if there is any, is memory with just the value's bytes, which becomes the entry's: the value is not copied.
  static Entry* create(std::string_view key, std::string_view value, std::optional<UnixMillis> expiry,
                       OwnedBytes own = {});
  static Entry* create_integer(std::string_view key, std::int64_t value, std::optional<UnixMillis> expiry);
  static void destroy(Entry* entry);
  // A copy under another key, value, expiry and encoding alike.
  static Entry* copy_as(const Entry& from, std::string_view key);

  // Each of these returns the entry to use from now on: `entry` itself, or a new one that
  // replaces it (the old one is gone then).
  //
  // Replaces the value. Whole decimal numbers become integers. Drops the expiry unless told to keep it.
  static Entry* assign(Entry* entry, std::string_view value, bool keep_expiry, OwnedBytes own = {});
  static Entry* assign_integer(Entry* entry, std::int64_t value);
  // Replaces the value by text that stays text even where it reads as a number. The expiry stays.
  static Entry* assign_text(Entry* entry, std::string_view text);
  // The same value, expiry and clock under another key, without copying a large value.
  static Entry* with_key(Entry* entry, std::string_view key);
  static Entry* set_expiry(Entry* entry, std::optional<UnixMillis> expiry);
  // Makes the value raw bytes of `size`, the old ones kept and new ones zero, so that
  // mutable_bytes can be written.
  static Entry* resize_raw(Entry* entry, std::size_t size);

  [[nodiscard]] ValueType type() const { return static_cast<ValueType>(kind_ & 15); }
  [[nodiscard]] Encoding encoding() const { return static_cast<Encoding>(kind_ >> 4); }
  [[nodiscard]] bool has_expiry() const { return (flags_ & kExpiryFlag) != 0; }
  [[nodiscard]] UnixMillis expiry() const {
    return has_expiry() ? UnixMillis{load<std::int64_t>(body())} : UnixMillis{INT64_MAX};
  }
  [[nodiscard]] bool expired_at(UnixMillis now) const {
    return has_expiry() && load<std::int64_t>(body()) < now.value;
  }

  [[nodiscard]] std::string_view key() const {
    const char* at = body() + (has_expiry() ? 8 : 0);
    if ((flags_ & kLongKeyFlag) == 0) return {at, key_size_};
    return {at + 4, load<std::uint32_t>(at)};
  }
  [[nodiscard]] bool key_equals(std::string_view other) const {
    const std::string_view mine = key();
    return mine.size() == other.size() && __builtin_memcmp(mine.data(), other.data(), other.size()) == 0;
  }

  [[nodiscard]] bool is_integer() const { return storage() == Storage::kInteger; }
  [[nodiscard]] std::int64_t integer() const { return load<std::int64_t>(value_area()); }
  // The string's bytes. An integer is written into `scratch`; the view lives as long as
  // the shorter of entry and scratch.
  [[nodiscard]] std::string_view bytes(Scratch& scratch) const;
  [[nodiscard]] std::size_t size() const;
  // Only right after resize_raw.
  [[nodiscard]] char* mutable_bytes();

  // Whether a part of the value lies beyond the entry's first two lines, and begins to fetch it.
  [[nodiscard]] bool has_long_value() const { return units_ * 16 > 2 * kLine || storage() == Storage::kExternal; }
  [[gnu::always_inline]] void prefetch_value() const {
    const char* from = reinterpret_cast<const char*>(this) + 2 * kLine;
    std::size_t size = std::size_t{units_} * 16;
    size = size > 2 * kLine ? size - 2 * kLine : 0;
    if (storage() == Storage::kExternal) {
      const auto external = load<External>(value_area());
      from = external.data;
      size = external.size;
    }
    // The rest of a longer one is fetched by the processor, which sees where this leads.
    for (std::size_t at = 0; at < size && at < 8 * kLine; at += kLine) __builtin_prefetch(from + at);
  }

  [[nodiscard]] AccessClock access_clock() const {
    return {static_cast<std::uint32_t>(clock_[0] | (clock_[1] << 8) | (clock_[2] << 16)), (flags_ & kCountsUsesFlag) != 0};
  }
  void set_access_clock(const AccessClock& clock) {
    clock_[0] = static_cast<std::uint8_t>(clock.value);
    clock_[1] = static_cast<std::uint8_t>(clock.value >> 8);
    clock_[2] = static_cast<std::uint8_t>(clock.value >> 16);
    flags_ = static_cast<std::uint8_t>((flags_ & ~kCountsUsesFlag) | (clock.counts_uses ? kCountsUsesFlag : 0));
  }

  // Bytes allocated for the entry and its value, in size classes.
  [[nodiscard]] std::size_t memory() const;

 private:
  enum class Storage : std::uint8_t { kEmbedded, kInteger, kExternal };
  static constexpr std::uint8_t kExpiryFlag = 1;
  static constexpr std::uint8_t kLongKeyFlag = 2;
  static constexpr int kStorageShift = 2;
  static constexpr std::uint8_t kCountsUsesFlag = 16;
  static constexpr std::size_t kLine = 64;

  // A value too large to embed, in an allocation of its own with room to grow.
  struct External {
    char* data;
    std::size_t size;
    std::size_t capacity;
  };
  struct Shape {
    std::size_t key_size;
    bool expiry;
    Storage storage;
    std::size_t embedded;
    [[nodiscard]] bool long_key() const { return key_size > 255; }
    [[nodiscard]] std::size_t key_offset() const { return 8U + (expiry ? 8 : 0) + (long_key() ? 4 : 0); }
    [[nodiscard]] std::size_t value_bytes() const;
    [[nodiscard]] std::size_t total() const { return key_offset() + key_size + value_bytes(); }
    [[nodiscard]] std::uint8_t flags() const {
      return static_cast<std::uint8_t>((expiry ? kExpiryFlag : 0) | (long_key() ? kLongKeyFlag : 0) |
                                       (static_cast<unsigned>(storage) << kStorageShift));
    }
  };

  template <typename T>
  static T load(const char* at) {
    T value;
    __builtin_memcpy(&value, at, sizeof value);
    return value;
  }
  template <typename T>
  static void store(char* at, const T& value) {
    __builtin_memcpy(at, &value, sizeof value);
  }

  static External external_of(std::string_view value, OwnedBytes own);
  static Entry* allocate_shape(const Shape& shape);
  // The same with expiry and key written; the value is the caller's to write.
  static Entry* allocate_keyed(const Shape& shape, std::string_view key, std::optional<UnixMillis> expiry);
  static Entry* reshape(Entry* entry, const Shape& shape);

  [[nodiscard]] const char* body() const { return reinterpret_cast<const char*>(this) + 8; }
  [[nodiscard]] char* body() { return reinterpret_cast<char*>(this) + 8; }
  [[nodiscard]] Storage storage() const { return static_cast<Storage>((flags_ >> kStorageShift) & 3); }
  [[nodiscard]] Shape shape() const;
  [[nodiscard]] std::size_t allocated() const;
  [[nodiscard]] const char* value_area() const {
    const std::string_view k = key();
    return k.data() + k.size();
  }
  [[nodiscard]] char* value_area() { return const_cast<char*>(static_cast<const Entry*>(this)->value_area()); }
  void set_kind(ValueType type, Encoding encoding) {
    kind_ = static_cast<std::uint8_t>(static_cast<unsigned>(type) | (static_cast<unsigned>(encoding) << 4));
  }
  void free_external();

  std::uint8_t kind_;
  std::uint8_t flags_;
  std::uint8_t units_;
  std::uint8_t key_size_;
  std::uint8_t clock_[3];
  std::uint8_t embedded_size_;
};
static_assert(sizeof(Entry) == 8);

// An entry that is in no table yet.
struct EntryDestroyer {
  void operator()(Entry* entry) const { Entry::destroy(entry); }
};
using OwnedEntry = std::unique_ptr<Entry, EntryDestroyer>;

}  // namespace skein
