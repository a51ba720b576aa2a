// What a key costs, as the allocator counts it, and that it comes back.
#include <skein/keyspace/keyspace.h>

#include <string>

#include <skein/base/memory.h>

namespace skein {
namespace {

class KeyMemory : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (allocator_name() == "libc") GTEST_SKIP() << "other size classes";
    count_this_thread();
    keyspace_.context().now = {1'000'000};
    empty_ = allocated_bytes();
    empty_active_ = read_allocator_figures().active;
  }
  [[nodiscard]] Database& db() { return keyspace_.db(0); }
  static std::string name(int i) {
    const std::string digits = std::to_string(i);
    return "key:" + std::string(12 - digits.size(), '0') + digits;
  }
  [[nodiscard]] double taken() const { return static_cast<double>(allocated_bytes() - empty_); }
  // Of whole pages.
  [[nodiscard]] double occupied() const {
    return static_cast<double>(read_allocator_figures().active) - static_cast<double>(empty_active_);
  }

  Keyspace keyspace_{1, GetParam(), 42};
  std::size_t empty_ = 0;
  std::uint64_t empty_active_ = 0;
};

INSTANTIATE_TEST_SUITE_P(PlainAndCluster, KeyMemory, testing::Bool());

TEST_P(KeyMemory, IsWithinItsBoundsAndComesBack) {
  constexpr int kKeys = 1'000'000;
  const double bound = GetParam() ? 64.5 : 62.5;
  for (int i = 0; i < kKeys; ++i) {
    db().set_string(db().ref(name(i)), "0123456789abcdef");
    if ((i + 1) % 250'000 != 0) continue;
    EXPECT_LE(taken() / (i + 1), bound + (i + 1 < kKeys ? 1 : 0)) << i + 1;
    EXPECT_LE(occupied(), taken() * 1.04) << i + 1;
  }
  const double full = taken();
  for (int i = 0; i < kKeys; ++i) {
    if (i % 10 != 0) db().erase(db().ref(name(i)));
  }
  EXPECT_LE(taken(), full * 0.18) << "a tenth of the keys, in emptier buckets";
  auto gone = keyspace_.flush(-1);
  gone.clear();
  EXPECT_LE(taken(), 128.0 * 1024);
}

}  // namespace
}  // namespace skein
