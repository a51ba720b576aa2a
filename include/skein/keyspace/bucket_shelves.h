// Small arrays of buckets, thousands of them, side by side without gaps.
//
// Arrays of one length share a shelf: a few large allocations, filled from their beginning. Where one is
// taken away the last of its shelf moves in, so that a shelf is always full but for its end, whatever
// its arrays became. The allocator alone would leave the places of arrays that grew empty until others of
// their size come, and tables that grow side by side all leave the same places.
//
// Knows owners by number, of whom each has at most one array, and tells whose array has moved.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include <skein/keyspace/bucket.h>

namespace skein {

class BucketShelves {
 public:
  // Arrays are shorter than this.
  static constexpr std::uint32_t kLengths = 256;
  static constexpr std::size_t kMostOwners = 1U << 16;

  explicit BucketShelves(std::size_t owners);
  BucketShelves(const BucketShelves&) = delete;
  BucketShelves& operator=(const BucketShelves&) = delete;
  // Whatever is still on them goes too.
  ~BucketShelves();

  struct Moved {
    std::uint16_t owner;
    Bucket* to;
  };
  struct Resized {
    Bucket* array;  // null when it has become none
    std::optional<Moved> moved;
  };
  // An array of `to` buckets that begins with the first `used` of `array`, which has `from` and is gone
  // then. None is an array of 0 buckets.
  Resized resize(std::uint16_t owner, Bucket* array, std::uint32_t from, std::uint32_t to, std::uint32_t used);

 private:
  struct Block {
    Bucket* memory;
    std::uint32_t arrays;
  };
  struct Shelf {
    std::vector<Block> blocks;
    std::vector<std::uint16_t> owners;  // of its arrays, in order
    std::uint32_t in_last = 0;          // arrays in the last block
  };

  Bucket* add(std::uint16_t owner, std::uint32_t length);
  std::optional<Moved> take_away(std::uint16_t place, Bucket* array, std::uint32_t length);

  std::array<Shelf, kLengths> shelves_;
  std::vector<std::uint16_t> places_;  // by owner: which array of its shelf
};

// How many arrays of `length` the next block of a shelf with `arrays` of them has.
[[nodiscard]] std::uint32_t block_arrays(std::uint32_t length, std::size_t arrays);

}  // namespace skein
