#include <skein/base/memory.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

namespace skein {
namespace {

constexpr std::size_t kTooMuch = std::size_t{1} << 60;

// More than there can be, in a way the compiler does not see through.
std::size_t too_much() {
  volatile std::size_t size = kTooMuch;
  return size;
}

// Or it would see that nobody needs the memory.
void is_used(const void* memory) { asm volatile("" : : "g"(memory) : "memory"); }

class OutOfMemoryDeath : public testing::Test {
 protected:
  void SetUp() override {
    if (allocator_name() == "libc") GTEST_SKIP() << "the sanitizer ends the process by itself";
    on_out_of_memory([](std::size_t size) {
      std::fprintf(stderr, "lacking %zu\n", size);
      std::_Exit(7);
    });
  }
};

TEST_F(OutOfMemoryDeath, SaysHowMuchWasAskedForByWhateverWay) {
  const auto ended = testing::ExitedWithCode(7);
  EXPECT_EXIT(is_used(allocate(too_much())), ended, "lacking 1152921504606846976");
  EXPECT_EXIT(is_used(allocate_lines(too_much())), ended, "lacking 1152921504606846976");
  EXPECT_EXIT(is_used(new char[too_much()]), ended, "lacking 1152921504606846976");
  EXPECT_EXIT(std::string().reserve(too_much()), ended, "lacking 1152921504606846977");
}

TEST(Memory, WhetherMuchCanBeHadIsToldWithoutTakingIt) {
  if (allocator_name() == "libc") GTEST_SKIP() << "not asked there";
  count_this_thread();
  const auto before = allocated_bytes();
  EXPECT_TRUE(can_allocate(0));
  EXPECT_TRUE(can_allocate(std::size_t{64} << 20));
  EXPECT_FALSE(can_allocate(too_much()));
  EXPECT_EQ(allocated_bytes(), before);
}

TEST(Memory, WhatIsNewIsCountedAndComesBack) {
  count_this_thread();
  const auto before = allocated_bytes();
  for (const std::size_t size : {0, 1, 100, 5000, 100'000}) {
    const auto bytes = std::make_unique<char[]>(size);
    is_used(bytes.get());
    EXPECT_GE(allocated_bytes() + (allocator_name() == "libc" ? size : 0), before + size);
  }
  EXPECT_EQ(allocated_bytes(), before);
  struct alignas(256) Wide {
    char bytes[512];
  };
  const auto wide = std::make_unique<Wide>();
  is_used(wide.get());
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(wide.get()) % 256, 0U);
}

}  // namespace
}  // namespace skein
