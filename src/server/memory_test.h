// --test-memory: writes patterns into memory and reads them back.
//
// Finds memory that is broken where it is used now; what stays in a processor's caches it cannot see, so it should be
// a good deal larger than those.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

namespace skein {

// The first word that did not hold what was written.
struct MemoryFault {
  std::size_t word = 0;
  std::uint64_t wrote = 0;
  std::uint64_t read = 0;
};

// One pass of every pattern. `on_step` hears what is being written.
[[nodiscard]] std::optional<MemoryFault> test_memory(std::span<volatile std::uint64_t> words,
                                                     const std::function<void(std::string_view)>& on_step);

}  // namespace skein
