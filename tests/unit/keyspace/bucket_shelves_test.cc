#include <skein/keyspace/bucket_shelves.h>

#include <algorithm>
#include <map>
#include <numeric>

#include <skein/base/memory.h>
#include <skein/base/random.h>

namespace skein {
namespace {

// Owners with an array each, in which every line says whose it is and which.
class Arrays {
 public:
  explicit Arrays(std::size_t owners) : shelves(owners), owners_(owners) {}
  void resize(std::uint16_t owner, std::uint32_t to) {
    Array& mine = owners_[owner];
    const std::uint32_t kept = std::min(mine.length, to);
    const auto resized = shelves.resize(owner, mine.memory, mine.length, to, kept);
    if (resized.moved) {
      ASSERT_NE(resized.moved->owner, owner);
      owners_[resized.moved->owner].memory = resized.moved->to;
    }
    mine = {resized.array, to};
    for (std::uint32_t i = kept; i < to; ++i) mine.memory[i].slots[0] = mark(owner, i);
  }
  void check() const {
    for (std::size_t owner = 0; owner < owners_.size(); ++owner) {
      const Array& array = owners_[owner];
      ASSERT_EQ(array.memory == nullptr, array.length == 0);
      for (std::uint32_t i = 0; i < array.length; ++i) {
        ASSERT_EQ(array.memory[i].slots[0], mark(owner, i)) << "owner " << owner << " line " << i;
      }
    }
  }
  [[nodiscard]] std::size_t bytes() const {
    return std::accumulate(owners_.begin(), owners_.end(), std::size_t{0},
                           [](std::size_t sum, const Array& array) { return sum + array.length * sizeof(Bucket); });
  }
  [[nodiscard]] std::size_t count() const { return owners_.size(); }

  BucketShelves shelves;

 private:
  struct Array {
    Bucket* memory = nullptr;
    std::uint32_t length = 0;
  };
  static std::uintptr_t mark(std::size_t owner, std::uint32_t line) { return owner * 1000 + line; }

  std::vector<Array> owners_;
};

TEST(BucketShelves, ArraysKeepTheirContentWhoeverMoves) {
  Arrays arrays(300);
  Random random{5};
  for (int step = 0; step < 30'000; ++step) {
    // Few lengths at a time, so that shelves are shared, and now and then none.
    const auto length = random.below(40) == 0 ? 0 : static_cast<std::uint32_t>(step / 128 + 1 + static_cast<int>(random.below(4)));
    arrays.resize(static_cast<std::uint16_t>(random.below(arrays.count())), length);
    if (step % 100 != 0) continue;
    ASSERT_NO_FATAL_FAILURE(arrays.check());
  }
  arrays.check();
}

TEST(BucketShelves, WhatGrowsTogetherLeavesNoGaps) {
  if (allocator_name() == "libc") GTEST_SKIP() << "other size classes";
  count_this_thread();
  const auto before = allocated_bytes();
  Arrays arrays(16'384);
  const auto empty = allocated_bytes() - before;
  Random random{6};
  std::vector<std::uint16_t> order(arrays.count());
  std::iota(order.begin(), order.end(), std::uint16_t{0});
  for (std::uint32_t length = 1; length <= 24; ++length) {
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    for (const auto owner : order) {
      arrays.resize(owner, length);
      // All are of one of two lengths. The first few take a block of more than they need.
      if (owner % 1024 == 0 && length > 4) {
        ASSERT_LE(allocated_bytes() - before - empty, arrays.bytes() * 112 / 100);
      }
    }
  }
  for (const auto owner : order) arrays.resize(owner, 0);
  EXPECT_LE(allocated_bytes() - before - empty, 256U * 1024) << "what is kept are notes of owners";
}

TEST(BucketShelves, ABlockWastesLittleAndIsNeverLarge) {
  for (std::uint32_t length = 1; length < BucketShelves::kLengths; ++length) {
    EXPECT_EQ(block_arrays(length, 0), 1U);
    for (const std::size_t arrays : {100U, 1000U, 16'384U}) {
      const std::size_t count = block_arrays(length, arrays);
      EXPECT_LE(count * length * sizeof(Bucket), 256U * 1024);
      EXPECT_LE(count, std::max<std::size_t>(arrays / 8, 2));
    }
    const std::size_t bytes = block_arrays(length, 16'384) * length * sizeof(Bucket);
    EXPECT_LE(allocation_size(bytes) * 100, bytes * 108) << length;
  }
}

}  // namespace
}  // namespace skein
