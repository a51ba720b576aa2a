// One cache line of tagged pointers, and the chain behind it when it is full.
//
// Seven pointers, a byte of hash for each, and a byte saying which are in use. A full bucket gives
// its last place to a link. What that leads to is most often two or three pointers, so it is half a
// line until it needs a whole one; a half is always the last of its chain. Who hashes, and how many
// buckets there are, is bucket_table.h's.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include <skein/base/memory.h>

namespace skein {

// Aligned by whoever allocates it: to a line, or a half to half a line.
struct Bucket {
  static constexpr int kSlots = 7;
  static constexpr int kHalfSlots = 3;

  std::uint8_t used;  // bit i: place i holds an entry; top bit: the last place is a link
  std::uint8_t tags[kSlots];
  std::uintptr_t slots[kSlots];  // a half has memory for three

  [[nodiscard]] bool chained() const { return (used & kChained) != 0; }
  [[nodiscard]] Bucket* next() const { return reinterpret_cast<Bucket*>(slots[kSlots - 1] & ~kHalfMark); }
  [[nodiscard]] unsigned in_use() const { return used & (chained() ? 0x3fU : 0x7fU); }
  // Places whose tag is `t`; now and then one that is not, which the key comparison sorts out.
  [[nodiscard]] unsigned matches(std::uint8_t t) const {
    constexpr std::uint64_t kOnes = 0x0101010101010101;
    std::uint64_t word;
    std::memcpy(&word, this, 8);
    word ^= kOnes * t;
    const std::uint64_t zero = (word - kOnes) & ~word & (kOnes << 7);
    // One bit per byte, gathered into the low byte; byte 0 is `used` and falls out.
    const auto bits = static_cast<unsigned>(((zero >> 7) * 0x0102040810204080) >> 56);
    return (bits >> 1) & in_use();
  }
  void clear() { used = 0; }

  // Puts a pointer into the first free place of the chain that begins here.
  void put(std::uint8_t tag, std::uintptr_t slot) {
    for (Bucket* bucket = this;; bucket = bucket->next()) {
      if (bucket->put_here(tag, slot, bucket->chained() ? 0x3f : 0x7f)) return;
      if (!bucket->chained()) bucket->begin_half();
      if (!bucket->leads_to_half()) continue;
      if (bucket->next()->put_here(tag, slot, (1U << kHalfSlots) - 1)) return;
      bucket->widen_half();
    }
  }

  // Empties the chain that begins here, handing out each tag and pointer, and frees what is behind this
  // bucket. `each` may put them back into it.
  template <typename Each>
  void drain(Each&& each) {
    const Bucket copy = *this;
    clear();
    for (const Bucket* bucket = &copy; bucket != nullptr; bucket = bucket->chained() ? bucket->next() : nullptr) {
      for (unsigned places = bucket->in_use(); places != 0; places &= places - 1) {
        const int i = std::countr_zero(places);
        each(bucket->tags[i], bucket->slots[i]);
      }
    }
    copy.free_chain();
  }

  // Frees what is behind this bucket, which still says it is there.
  void free_chain() const {
    for (Bucket bucket = *this; bucket.chained();) {
      Bucket* gone = bucket.next();
      if (bucket.leads_to_half()) {
        release(gone, kHalf);
        return;
      }
      bucket = *gone;
      release_lines(gone, sizeof(Bucket));
    }
  }

 private:
  static constexpr std::uint8_t kChained = 0x80;
  static constexpr std::uintptr_t kHalfMark = 1;
  static constexpr std::size_t kHalf = kCacheLine / 2;

  [[nodiscard]] bool leads_to_half() const { return (slots[kSlots - 1] & kHalfMark) != 0; }

  bool put_here(std::uint8_t tag, std::uintptr_t slot, unsigned places) {
    const unsigned room = ~unsigned{used} & places;
    if (room == 0) return false;
    const int i = std::countr_zero(room);
    used = static_cast<std::uint8_t>(used | (1U << i));
    tags[i] = tag;
    slots[i] = slot;
    return true;
  }

  // The last place becomes a link, and what was in it the first in the half behind.
  void begin_half() {
    auto* half = static_cast<Bucket*>(allocate(kHalf));
    half->used = 1;
    half->tags[0] = tags[kSlots - 1];
    half->slots[0] = slots[kSlots - 1];
    slots[kSlots - 1] = reinterpret_cast<std::uintptr_t>(half) | kHalfMark;
    used = static_cast<std::uint8_t>((used & 0x3f) | kChained);
  }

  void widen_half() {
    Bucket* half = next();
    auto* whole = static_cast<Bucket*>(allocate_lines(sizeof(Bucket)));
    std::memcpy(static_cast<void*>(whole), half, kHalf);
    release(half, kHalf);
    slots[kSlots - 1] = reinterpret_cast<std::uintptr_t>(whole);
  }
};
static_assert(sizeof(Bucket) == kCacheLine);

}  // namespace skein
