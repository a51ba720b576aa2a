// How much memory the process has allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace skein {

// Bytes allocated minus bytes freed over all threads that called `count_this_thread`,
// in allocator size classes, all libraries included. Cheap enough for every turn: reads
// jemalloc's own counters, which cost nothing per allocation. Without jemalloc (sanitizer
// builds) the sanitizer's own count.
[[nodiscard]] std::size_t allocated_bytes();

// To be called once by every thread that allocates or frees, before it does.
void count_this_thread();

// Who allocates, with its version: "jemalloc-5.3.0"; "libc" in sanitizer builds.
[[nodiscard]] std::string allocator_name();

// The bytes an allocation of `size` really takes.
[[nodiscard]] std::size_t allocation_size(std::size_t size);

// malloc and sized free. `size` must be what was asked for, or allocation_size of it.
[[nodiscard]] void* allocate(std::size_t size);
void release(void* memory, std::size_t size);

// The same for what must begin at a cache line; `size` is a multiple of one.
inline constexpr std::size_t kCacheLine = 64;
[[nodiscard]] void* allocate_lines(std::size_t size);
void release_lines(void* memory, std::size_t size);

// Whether so much can be had now in one piece, with something left for others. What is small is taken for granted.
[[nodiscard]] bool can_allocate(std::size_t size);

// What to do when memory cannot be had, by whichever way it was asked for: it must not return, and not
// allocate. Without it the process ends by abort.
using OutOfMemory = void (*)(std::size_t size);
void on_out_of_memory(OutOfMemory act);

struct AllocatorFigures {
  std::uint64_t allocated = 0;
  std::uint64_t active = 0;
  std::uint64_t resident = 0;
};
// jemalloc's own statistics, refreshed; zeros in sanitizer builds. Microseconds of work.
[[nodiscard]] AllocatorFigures read_allocator_figures();

}  // namespace skein
