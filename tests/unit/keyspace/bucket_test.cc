#include <skein/keyspace/bucket.h>

#include <array>
#include <map>

#include <skein/base/memory.h>

namespace skein {
namespace {

using Content = std::multimap<std::uint8_t, std::uintptr_t>;

Content content(const Bucket& head) {
  Content found;
  for (const Bucket* bucket = &head; bucket != nullptr; bucket = bucket->chained() ? bucket->next() : nullptr) {
    for (unsigned places = bucket->in_use(); places != 0; places &= places - 1) {
      const int i = std::countr_zero(places);
      EXPECT_NE(bucket->matches(bucket->tags[i]) & (1U << i), 0U);
      found.emplace(bucket->tags[i], bucket->slots[i]);
    }
  }
  return found;
}

TEST(Bucket, AChainHoldsWhatWasPutInAtEveryLength) {
  alignas(kCacheLine) Bucket head;
  head.clear();
  Content expected;
  for (std::uintptr_t i = 1; i <= 60; ++i) {
    const auto tag = static_cast<std::uint8_t>(i * 37);
    head.put(tag, i * 16);
    expected.emplace(tag, i * 16);
    ASSERT_EQ(content(head), expected);
  }
  Content drained;
  head.drain([&](std::uint8_t tag, std::uintptr_t slot) { drained.emplace(tag, slot); });
  EXPECT_EQ(drained, expected);
  EXPECT_EQ(content(head), Content{});
}

// Full buckets are common and have little behind them: half a line is most often enough.
TEST(Bucket, WhatIsBehindIsNoLargerThanItNeedsToBe) {
  if (allocator_name() == "libc") GTEST_SKIP() << "other size classes";
  count_this_thread();
  alignas(kCacheLine) Bucket head;
  head.clear();
  const auto before = allocated_bytes();
  std::array<std::size_t, 16> taken{};
  for (std::size_t i = 1; i < taken.size(); ++i) {
    head.put(0, i * 16);
    taken[i] = allocated_bytes() - before;
  }
  EXPECT_EQ(taken, (std::array<std::size_t, 16>{0, 0, 0, 0, 0, 0, 0, 0, 32, 32, 64, 64, 64, 64, 96, 96}));
  head.free_chain();
  EXPECT_EQ(allocated_bytes(), before);
}

}  // namespace
}  // namespace skein
