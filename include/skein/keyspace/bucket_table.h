// An open hash table of tagged pointers that never pays for a rehash.
//
// Its buckets are cache lines (bucket.h). The table grows and shrinks by linear hashing, one bucket
// at a time with the insert or erase that asks for it: no command ever pays for more, there is one
// place to look, and the load is the same at every size. Buckets live in one small array first and in
// segments behind a directory later, so that no allocation is ever huge. Where the small array lives is
// the owner's to say: every call that may move it takes `arrays`, by default the heap, and a table is
// given the same kind all its life.
//
// The owner hashes keys; where a bucket is split or merged it is asked again. Bit 0 of a stored pointer is the owner's
// to use as a mark (the keyspace: "has an expiry"), readable without touching the entry.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>

#include <skein/base/assert.h>
#include <skein/base/memory.h>
#include <skein/keyspace/bucket.h>

namespace skein {

// Small arrays of buckets in allocations of their own.
struct HeapArrays {
  // An array of `to` buckets that begins with the first `used` of `array`, which has `from` and is gone
  // then. None is an array of 0 buckets.
  static Bucket* resize(Bucket* array, std::uint32_t from, std::uint32_t to, std::uint32_t used) {
    Bucket* fresh = nullptr;
    if (to > 0) fresh = static_cast<Bucket*>(allocate_lines(std::size_t{to} * sizeof(Bucket)));
    if (to > 0 && used > 0) std::memcpy(static_cast<void*>(fresh), array, std::size_t{used} * sizeof(Bucket));
    if (from > 0) release_lines(array, std::size_t{from} * sizeof(Bucket));
    return fresh;
  }
};

template <typename T>
class BucketTable {
 public:
  // Keys per bucket, times 16, above which a bucket is added and below a quarter of which
  // one is taken away. Five and a half of seven places filled costs 14 bytes a key with the chains of the
  // buckets that are full; with more of them too many keys are behind one.
  static constexpr std::size_t kLoadTimes16 = 88;
  // The largest small array, from which on buckets are in segments.
  static constexpr std::uint32_t kSegmented = 256;

  BucketTable() = default;
  BucketTable(const BucketTable&) = delete;
  BucketTable& operator=(const BucketTable&) = delete;
  BucketTable(BucketTable&& other) noexcept { swap(other); }
  BucketTable& operator=(BucketTable&& other) noexcept {
    BucketTable(std::move(other)).swap(*this);
    return *this;
  }
  // Frees the buckets. What they point to is the owner's: empty it with for_each first.
  ~BucketTable() { clear(HeapArrays{}); }
  template <typename Arrays>
  void clear(Arrays&& arrays) {
    if (buckets_ == 0) return;
    for (std::uint32_t i = 0; i < buckets_; ++i) bucket_at(i)->free_chain();
    free_buckets(arrays);
  }

  void swap(BucketTable& other) noexcept {
    std::swap(storage_, other.storage_);
    std::swap(size_, other.size_);
    std::swap(marked_, other.marked_);
    std::swap(buckets_, other.buckets_);
    std::swap(capacity_, other.capacity_);
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t marked() const { return marked_; }
  [[nodiscard]] std::size_t bucket_count() const { return buckets_; }

  // Where an entry is stored; good until the next insert or erase.
  class Place {
   public:
    explicit operator bool() const { return at_ != nullptr; }
    [[nodiscard]] T* get() const { return untag(*at_); }

   private:
    friend class BucketTable;
    std::uintptr_t* at_ = nullptr;
  };

  template <typename Equal>
  [[nodiscard]] Place find(std::uint64_t hash, Equal&& equal) const {
    Place place;
    if (buckets_ == 0) return place;
    for (Bucket* bucket = bucket_at(index_of(hash));;) {
      for (unsigned hits = bucket->matches(tag_of(hash)); hits != 0; hits &= hits - 1) {
        const int i = std::countr_zero(hits);
        if (equal(*untag(bucket->slots[i]))) {
          place.at_ = &bucket->slots[i];
          return place;
        }
      }
      if (!bucket->chained()) return place;
      bucket = bucket->next();
    }
  }

  // The first two memory accesses of a find, ahead of time. Always inline: a compiler that
  // takes a function which only prefetches for one without effect drops the call (gcc 12 does).
  [[gnu::always_inline]] void prefetch_bucket(std::uint64_t hash) const {
    if (buckets_ != 0) __builtin_prefetch(bucket_at(index_of(hash)));
  }
  [[gnu::always_inline]] void prefetch_entry(std::uint64_t hash) const {
    if (buckets_ == 0) return;
    const Bucket* bucket = bucket_at(index_of(hash));
    const unsigned hits = bucket->matches(tag_of(hash));
    if (hits == 0) {
      if (bucket->chained()) __builtin_prefetch(bucket->next());
      return;
    }
    const auto* entry = reinterpret_cast<const char*>(untag(bucket->slots[std::countr_zero(hits)]));
    __builtin_prefetch(entry);
    __builtin_prefetch(entry + 40);  // a 48-byte entry starts in one line and often ends in the next
  }

  // What is likely found under `hash`, by its bucket alone; null: nothing there, or further along a chain.
  [[gnu::always_inline]] const T* guess(std::uint64_t hash) const {
    if (buckets_ == 0) return nullptr;
    const Bucket* bucket = bucket_at(index_of(hash));
    const unsigned hits = bucket->matches(tag_of(hash));
    return hits == 0 ? nullptr : reinterpret_cast<const T*>(untag(bucket->slots[std::countr_zero(hits)]));
  }

  // `entry` must not be in the table. `rehash` tells the hash of an entry, for the bucket that is split.
  template <typename Rehash, typename Arrays = HeapArrays>
  void insert(std::uint64_t hash, T* entry, bool marked, Rehash&& rehash, Arrays&& arrays = {}) {
    if (buckets_ == 0) add_first_bucket(arrays);
    bucket_at(index_of(hash))->put(tag_of(hash), tag(entry, marked));
    ++size_;
    marked_ += marked ? 1 : 0;
    if (size_ * 16 > std::size_t{buckets_} * kLoadTimes16) split_one(rehash, arrays);
  }

  // Room for `keys` in all without a split on the way. Whoever has reserved too much shrinks.
  template <typename Rehash, typename Arrays = HeapArrays>
  void reserve(std::size_t keys, Rehash&& rehash, Arrays&& arrays = {}) {
    const std::size_t wanted = std::min<std::size_t>(keys * 16 / kLoadTimes16 + 1, kMostBuckets);
    if (wanted <= buckets_) return;
    if (buckets_ == 0) add_first_bucket(arrays);
    while (buckets_ < wanted) {
      if (size_ == 0) {
        reserve_one(arrays);
        bucket_at(buckets_++)->clear();
      } else {
        prefetch_split(buckets_ + kAhead, wanted);
        split_one(rehash, arrays);
      }
    }
  }
  template <typename Arrays = HeapArrays>
  void shrink_to_fit(Arrays&& arrays = {}) {
    if (size_ == 0) clear(arrays);
    while (buckets_ > 1 && size_ * 16 * 2 < std::size_t{buckets_} * kLoadTimes16) merge_one(arrays);
  }

  // Puts another entry with the same key, or the same one with another mark, in a place.
  void replace(Place place, T* entry, bool marked) {
    marked_ -= *place.at_ & 1;
    marked_ += marked ? 1 : 0;
    *place.at_ = tag(entry, marked);
  }

  // Takes the entry with this hash and address out; it is the caller's then.
  template <typename Arrays = HeapArrays>
  void erase(std::uint64_t hash, const T* entry, Arrays&& arrays = {}) {
    Bucket* const head = bucket_at(index_of(hash));
    for (Bucket* bucket = head;;) {
      for (unsigned hits = bucket->matches(tag_of(hash)); hits != 0; hits &= hits - 1) {
        const int i = std::countr_zero(hits);
        if (untag(bucket->slots[i]) != entry) continue;
        marked_ -= bucket->slots[i] & 1;
        bucket->used = static_cast<std::uint8_t>(bucket->used & ~(1U << i));
        --size_;
        if (head->chained()) compact(head);
        if (size_ == 0) {
          clear(arrays);
        } else if (buckets_ > 1 && size_ * 64 < std::size_t{buckets_} * kLoadTimes16) {
          merge_one(arrays);
        }
        return;
      }
      SKEIN_ASSERT(bucket->chained());
      bucket = bucket->next();
    }
  }

  // Whoever keeps the small array has moved it.
  void moved_to(Bucket* array) { storage_ = array; }

  // One step of a scan over a table that may change between steps: visits the entries at
  // `cursor` and returns the next cursor, 0 at the end. What is in the table from the first
  // step to the last is visited at least once: the cursor counts with its bits reversed, so
  // a place once visited stays visited whatever power of two the table grows or shrinks to,
  // and the two halves of a split bucket are always visited together.
  template <typename Visit>
  std::uint64_t scan_step(std::uint64_t cursor, Visit&& visit) const {
    if (buckets_ == 0) return 0;
    const std::uint64_t mask = (std::uint64_t{1} << low_bits()) - 1;
    const std::uint64_t low = cursor & mask;
    visit_bucket(bucket_at(static_cast<std::uint32_t>(low)), visit);
    if (low + mask + 1 < buckets_) visit_bucket(bucket_at(static_cast<std::uint32_t>(low + mask + 1)), visit);
    cursor |= ~mask;
    cursor = reverse(reverse(cursor) + 1);
    return cursor;
  }

  // Every entry in no order. `visit` may free the entry if the table is not used afterwards.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (std::uint32_t i = 0; i < buckets_; ++i) visit_bucket(bucket_at(i), visit);
  }

  // The same, with the entries of the next buckets on their way while one is visited. The table must not change.
  template <typename Visit>
  void walk(Visit&& visit) const {
    for (std::uint32_t i = 0; i < std::min(kAhead, buckets_); ++i) prefetch_entries(bucket_at(i));
    for (std::uint32_t i = 0; i < buckets_; ++i) {
      if (buckets_ - i > 2 * kAhead) __builtin_prefetch(bucket_at(i + 2 * kAhead));
      if (buckets_ - i > kAhead) prefetch_entries(bucket_at(i + kAhead));
      visit_bucket(bucket_at(i), visit);
    }
  }
  // The first bucket of a walk to come.
  [[gnu::always_inline]] void prefetch_walk() const {
    if (buckets_ != 0) __builtin_prefetch(bucket_at(0));
  }

  // Calls visit(T&) for marked entries in buckets [from, from + count), without touching
  // the others' memory; returns where to go on, 0 after the last bucket. `visit` must not
  // change the table.
  template <typename Visit>
  std::uint32_t sweep_marked(std::uint32_t from, std::uint32_t count, Visit&& visit) const {
    for (std::uint32_t i = from; i < buckets_ && count > 0; ++i, --count) {
      for (const Bucket* bucket = bucket_at(i);; bucket = bucket->next()) {
        for (unsigned used = bucket->in_use(); used != 0; used &= used - 1) {
          const std::uintptr_t slot = bucket->slots[std::countr_zero(used)];
          if ((slot & 1) != 0) visit(*untag(slot));
        }
        if (!bucket->chained()) break;
      }
      from = i + 1;
    }
    return from >= buckets_ ? 0 : from;
  }

  // A random bucket's entries, for sampling: calls visit for each. Never an empty bucket.
  template <typename Pick, typename Visit>
  void visit_random_bucket(Pick&& below, Visit&& visit) const {
    SKEIN_ASSERT(size_ > 0);
    for (;;) {
      const Bucket* bucket = bucket_at(static_cast<std::uint32_t>(below(buckets_)));
      if (bucket->in_use() == 0 && !bucket->chained()) continue;
      visit_bucket(bucket, visit);
      return;
    }
  }

  // For sampling: visits the entries, or the marked ones alone, of buckets in a row from a random one on,
  // going round, until `count` have been visited or so many buckets looked at. Buckets are visited whole. How
  // many entries were visited. `visit` must not change the table.
  template <typename Pick, typename Visit>
  std::size_t sample(Pick&& below, std::size_t count, std::uint32_t buckets, bool marked_only, Visit&& visit) const {
    std::size_t seen = 0;
    if (buckets_ == 0) return seen;
    auto at = static_cast<std::uint32_t>(below(buckets_));
    for (std::uint32_t left = std::min(buckets, buckets_); left > 0 && seen < count; --left) {
      for (const Bucket* bucket = bucket_at(at);; bucket = bucket->next()) {
        if (!marked_only) prefetch_entries(bucket);
        for (unsigned used = bucket->in_use(); used != 0; used &= used - 1) {
          const std::uintptr_t slot = bucket->slots[std::countr_zero(used)];
          if (marked_only && (slot & 1) == 0) continue;
          visit(*untag(slot));
          ++seen;
        }
        if (!bucket->chained()) break;
      }
      at = at + 1 == buckets_ ? 0 : at + 1;
    }
    return seen;
  }

 private:
  // Small tables: one array, growing by an eighth: it is copied so often, and so much of it may be empty.
  // With kSegmented buckets it becomes the first segment, and each doubling is added in eight segments
  // until they are 256 KiB, then in segments of that size.
  static constexpr int kSegmentedBits = 8;
  static constexpr int kLargestSegmentBits = 12;

  // As many as index_of can tell apart.
  static constexpr std::size_t kMostBuckets = std::size_t{1} << 31;
  // How many buckets a walk asks for entries ahead: some twenty of them, about as many lines
  // as a core has on their way at once.
  static constexpr std::uint32_t kAhead = 4;

  [[gnu::always_inline]] static void prefetch_entries(const Bucket* bucket) {
    for (unsigned used = bucket->in_use(); used != 0; used &= used - 1) {
      const auto* entry = reinterpret_cast<const char*>(untag(bucket->slots[std::countr_zero(used)]));
      __builtin_prefetch(entry);
      __builtin_prefetch(entry + 40);
    }
    if (bucket->chained()) __builtin_prefetch(bucket->next());
  }
  // What the split that adds bucket `fresh` will look at.
  [[gnu::always_inline]] void prefetch_split(std::uint32_t fresh, std::size_t end) const {
    if (fresh >= end) return;
    const std::uint32_t source = fresh - std::bit_floor(fresh);
    if (source < buckets_) prefetch_entries(bucket_at(source));
  }

  static T* untag(std::uintptr_t slot) { return reinterpret_cast<T*>(slot & ~std::uintptr_t{1}); }
  static std::uintptr_t tag(T* entry, bool marked) {
    return reinterpret_cast<std::uintptr_t>(entry) | (marked ? 1 : 0);
  }
  static std::uint8_t tag_of(std::uint64_t hash) { return static_cast<std::uint8_t>(hash >> 56); }

  static std::uint64_t reverse(std::uint64_t v) {
    v = __builtin_bswap64(v);
    v = ((v >> 4) & 0x0f0f0f0f0f0f0f0f) | ((v & 0x0f0f0f0f0f0f0f0f) << 4);
    v = ((v >> 2) & 0x3333333333333333) | ((v & 0x3333333333333333) << 2);
    return ((v >> 1) & 0x5555555555555555) | ((v & 0x5555555555555555) << 1);
  }

  // 2^low_bits() buckets are addressed by the low bits alone; those behind are halves split off.
  [[nodiscard]] int low_bits() const { return static_cast<int>(std::bit_width(buckets_)) - 1; }
  [[nodiscard]] std::uint32_t index_of(std::uint64_t hash) const {
    const std::uint32_t half = std::uint32_t{1} << low_bits();
    const auto index = static_cast<std::uint32_t>(hash) & (half * 2 - 1);
    return index < buckets_ ? index : index - half;
  }

  [[nodiscard]] bool segmented() const { return capacity_ >= kSegmented; }
  struct Position {
    std::uint32_t segment;
    std::uint32_t offset;
  };
  static Position position_of(std::uint32_t index) {
    if (index < kSegmented) return {0, index};
    const int level = static_cast<int>(std::bit_width(index)) - 1;
    const int bits = std::min(level - 3, int{kLargestSegmentBits});
    // Segments of all levels before this one: eight each while they grow, then by size.
    const int growing = kLargestSegmentBits + 3;
    const std::uint32_t before =
        level <= growing ? 1 + 8 * static_cast<std::uint32_t>(level - kSegmentedBits)
                         : 1 + 8 * static_cast<std::uint32_t>(growing - kSegmentedBits) +
                               (((std::uint32_t{1} << level) - (std::uint32_t{1} << growing)) >> kLargestSegmentBits);
    const std::uint32_t within = index - (std::uint32_t{1} << level);
    return {before + (within >> bits), within & ((std::uint32_t{1} << bits) - 1)};
  }
  static std::uint32_t segment_size_at(std::uint32_t index) {
    return std::uint32_t{1} << std::min(static_cast<int>(std::bit_width(index)) - 4, int{kLargestSegmentBits});
  }

  [[nodiscard]] Bucket* bucket_at(std::uint32_t index) const {
    if (!segmented()) return static_cast<Bucket*>(storage_) + index;
    const Position p = position_of(index);
    return static_cast<Bucket**>(storage_)[p.segment] + p.offset;
  }

  static Bucket* allocate_segment(std::size_t count) {
    return static_cast<Bucket*>(allocate_lines(count * sizeof(Bucket)));
  }
  static void release_segment(Bucket* buckets, std::size_t count) { release_lines(buckets, count * sizeof(Bucket)); }
  [[nodiscard]] Bucket* array() const { return static_cast<Bucket*>(storage_); }
  [[nodiscard]] Bucket** directory() const { return static_cast<Bucket**>(storage_); }

  template <typename Arrays>
  void add_first_bucket(Arrays& arrays) {
    storage_ = arrays.resize(nullptr, 0, 1, 0);
    array()->clear();
    buckets_ = capacity_ = 1;
  }

  // Makes room for the bucket with index buckets_.
  template <typename Arrays>
  void reserve_one(Arrays& arrays) {
    if (buckets_ < capacity_) return;
    if (segmented()) {
      const std::uint32_t segment = position_of(buckets_).segment;
      grow_directory(segment);
      const std::uint32_t count = segment_size_at(buckets_);
      directory()[segment] = allocate_segment(count);
      capacity_ += count;
      return;
    }
    const std::uint32_t wanted = std::min(capacity_ + std::max(capacity_ / 8, 1U), kSegmented);
    if (wanted < kSegmented) {
      storage_ = arrays.resize(array(), capacity_, wanted, buckets_);
    } else {
      Bucket* first = allocate_segment(kSegmented);
      std::memcpy(static_cast<void*>(first), storage_, std::size_t{buckets_} * sizeof(Bucket));
      arrays.resize(array(), capacity_, 0, 0);
      storage_ = allocate(sizeof(Bucket*));
      directory()[0] = first;
    }
    capacity_ = wanted;
  }

  // The directory has room for the next power of two of segments; `segment` is the first new one.
  void grow_directory(std::uint32_t segment) {
    if (!std::has_single_bit(segment)) return;
    auto** grown = static_cast<Bucket**>(allocate(sizeof(Bucket*) * segment * 2));
    std::memcpy(static_cast<void*>(grown), storage_, sizeof(Bucket*) * segment);
    release(storage_, sizeof(Bucket*) * segment);
    storage_ = grown;
  }

  // Gives back what is empty, keeping one segment to spare, or a quarter of a small array, so that a size
  // that swings around an edge does not allocate each time.
  template <typename Arrays>
  void release_spare(Arrays& arrays) {
    if (capacity_ <= kSegmented) {
      if (buckets_ * 4 > capacity_ * 3) return;
      const std::uint32_t wanted = buckets_ + buckets_ / 8;
      if (segmented()) {
        Bucket* first = directory()[0];
        release(storage_, sizeof(Bucket*));
        storage_ = arrays.resize(nullptr, 0, wanted, 0);
        std::memcpy(storage_, first, std::size_t{buckets_} * sizeof(Bucket));
        release_segment(first, kSegmented);
      } else {
        storage_ = arrays.resize(array(), capacity_, wanted, buckets_);
      }
      capacity_ = wanted;
      return;
    }
    const std::uint32_t count = segment_size_at(capacity_ - 1);
    if (buckets_ + 2 * count > capacity_) return;
    const std::uint32_t segment = position_of(capacity_ - 1).segment;
    release_segment(directory()[segment], count);
    capacity_ -= count;
    if (std::has_single_bit(segment)) {
      auto** shrunk = static_cast<Bucket**>(allocate(sizeof(Bucket*) * segment));
      std::memcpy(static_cast<void*>(shrunk), storage_, sizeof(Bucket*) * segment);
      release(storage_, sizeof(Bucket*) * segment * 2);
      storage_ = shrunk;
    }
  }

  // Closes the gap an erase left, so that a chain is never longer than its entries need.
  static void compact(Bucket* head) {
    head->drain([&](std::uint8_t tag, std::uintptr_t slot) { head->put(tag, slot); });
  }

  template <typename Rehash, typename Arrays>
  void split_one(Rehash&& rehash, Arrays& arrays) {
    reserve_one(arrays);
    const std::uint32_t fresh = buckets_;
    const int bits = low_bits();
    // A full power of two starts the next round with its first bucket.
    const std::uint32_t source = fresh - (std::uint32_t{1} << bits);
    Bucket* to = bucket_at(fresh);
    to->clear();
    Bucket* from = bucket_at(source);
    for (unsigned used = from->in_use(); used != 0; used &= used - 1) {
      __builtin_prefetch(untag(from->slots[std::countr_zero(used)]));
    }
    ++buckets_;
    from->drain([&](std::uint8_t tag, std::uintptr_t slot) {
      const bool moves = ((rehash(*untag(slot)) >> bits) & 1) != 0;
      (moves ? to : from)->put(tag, slot);
    });
  }

  template <typename Arrays>
  void merge_one(Arrays& arrays) {
    const std::uint32_t last = buckets_ - 1;
    const int bits = static_cast<int>(std::bit_width(last)) - 1;
    Bucket* from = bucket_at(last);
    Bucket* to = bucket_at(last - (std::uint32_t{1} << bits));
    from->drain([&](std::uint8_t tag, std::uintptr_t slot) { to->put(tag, slot); });
    --buckets_;
    release_spare(arrays);
  }

  template <typename Visit>
  static void visit_bucket(const Bucket* bucket, Visit& visit) {
    for (;;) {
      const Bucket* next = bucket->chained() ? bucket->next() : nullptr;
      for (unsigned used = bucket->in_use(); used != 0; used &= used - 1) {
        visit(*untag(bucket->slots[std::countr_zero(used)]));
      }
      if (next == nullptr) return;
      bucket = next;
    }
  }

  template <typename Arrays>
  void free_buckets(Arrays& arrays) {
    if (!segmented()) {
      arrays.resize(array(), capacity_, 0, 0);
    } else {
      release_segment(directory()[0], kSegmented);
      std::uint32_t segments = 1;
      for (std::uint32_t at = kSegmented; at < capacity_; ++segments) {
        const std::uint32_t count = segment_size_at(at);
        release_segment(directory()[segments], count);
        at += count;
      }
      release(storage_, sizeof(Bucket*) * std::bit_ceil(segments));
    }
    storage_ = nullptr;
    buckets_ = capacity_ = 0;
    size_ = marked_ = 0;
  }

  void* storage_ = nullptr;  // Bucket[] or Bucket*[]
  std::uint64_t size_ = 0;
  std::uint64_t marked_ = 0;
  std::uint32_t buckets_ = 0;
  std::uint32_t capacity_ = 0;  // buckets there is memory for
};

}  // namespace skein
