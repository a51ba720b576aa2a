#include "memory_test.h"

namespace skein {

namespace {

// Spreads a number over all bits, so that neighbours have nothing in common.
std::uint64_t scatter(std::uint64_t number) {
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
  number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
  return number ^ (number >> 31);
}

template <typename Pattern>
std::optional<MemoryFault> run(std::span<volatile std::uint64_t> words, Pattern pattern) {
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = pattern(i);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::uint64_t read = words[i];
    if (read != pattern(i)) return MemoryFault{i, pattern(i), read};
  }
  return std::nullopt;
}

}  // namespace

std::optional<MemoryFault> test_memory(std::span<volatile std::uint64_t> words,
                                       const std::function<void(std::string_view)>& on_step) {
  constexpr std::uint64_t kChequers = 0x5555555555555555;
  on_step("addresses");
  if (auto fault = run(words, [](std::size_t i) { return std::uint64_t{i}; })) return fault;
  on_step("zeros");
  if (auto fault = run(words, [](std::size_t) { return std::uint64_t{0}; })) return fault;
  on_step("ones");
  if (auto fault = run(words, [](std::size_t) { return ~std::uint64_t{0}; })) return fault;
  on_step("chequers");
  if (auto fault = run(words, [](std::size_t i) { return i % 2 == 0 ? kChequers : ~kChequers; })) return fault;
  on_step("chequers the other way");
  if (auto fault = run(words, [](std::size_t i) { return i % 2 == 0 ? ~kChequers : kChequers; })) return fault;
  on_step("noise");
  return run(words, [](std::size_t i) { return scatter(i + 1); });
}

}  // namespace skein
