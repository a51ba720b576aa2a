#include <skein/base/memory.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <new>
#include <string_view>
#include <vector>

#ifdef SKEIN_SANITIZED
#include <malloc.h>
#else
#include <jemalloc/jemalloc.h>
#endif

namespace skein {

namespace {

// Whoever allocates may be any thread, and may be early.
std::atomic<OutOfMemory> out_of_memory{nullptr};

[[noreturn, gnu::cold]] void end_without(std::size_t size) {
  if (const OutOfMemory act = out_of_memory.load(); act != nullptr) act(size);
  std::abort();
}

// What has been freed may lie in pieces too large to be cut for a small one, or in another thread's arena.
// In order it is good for anything.
[[gnu::cold]] void put_freed_in_order() {
#ifndef SKEIN_SANITIZED
  static_assert(MALLCTL_ARENAS_ALL == 4096);
  mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);
#endif
}

template <typename Allocate>
void* or_end(std::size_t size, Allocate&& allocate) {
  void* memory = allocate();
  if (memory == nullptr) [[unlikely]] {
    put_freed_in_order();
    if (memory = allocate(); memory == nullptr) end_without(size);
  }
  return memory;
}

// Probing costs more than a small allocation is worth, and who lacks this little ends anyway.
[[maybe_unused]] constexpr std::size_t kTakenForGranted = 1024 * 1024;
// What must be there beside it, so that the next small allocation does not end the process. In pieces, as
// jemalloc keeps what is larger than 8 MiB apart, and has not for one what it has for the other.
[[maybe_unused]] constexpr std::size_t kLeftForOthers = 16 * 1024 * 1024;
[[maybe_unused]] constexpr std::size_t kPiecesLeft = 4;

}  // namespace

void on_out_of_memory(OutOfMemory act) { out_of_memory = act; }

#ifdef SKEIN_SANITIZED

extern "C" std::size_t __sanitizer_get_current_allocated_bytes() __attribute__((weak));

std::size_t allocated_bytes() {
  return __sanitizer_get_current_allocated_bytes != nullptr ? __sanitizer_get_current_allocated_bytes() : 0;
}
void count_this_thread() {}
std::string allocator_name() { return "libc"; }
std::size_t allocation_size(std::size_t size) { return (size + 15) & ~std::size_t{15}; }
void* allocate(std::size_t size) {
  return or_end(size, [size] { return std::malloc(allocation_size(size)); });
}
bool can_allocate(std::size_t) { return true; }
void release(void* memory, std::size_t) { std::free(memory); }
void* allocate_lines(std::size_t size) {
  return or_end(size, [size] { return std::aligned_alloc(kCacheLine, size); });
}
void release_lines(void* memory, std::size_t) { std::free(memory); }
AllocatorFigures read_allocator_figures() { return {}; }

#else

namespace {

struct ThreadCounters {
  const std::uint64_t* allocated;
  const std::uint64_t* freed;
};

// The one place that needs to know every thread: the counters live in each thread's own
// storage. A thread that ends leaves its balance in `ended`.
struct Registry {
  std::mutex mutex;
  std::vector<ThreadCounters> threads;
  std::int64_t ended = 0;
};

Registry& registry() {
  static auto* instance = new Registry;  // outlives every thread
  return *instance;
}

const std::uint64_t* counter(const char* name) {
  std::uint64_t* address = nullptr;
  std::size_t size = sizeof address;
  mallctl(name, static_cast<void*>(&address), &size, nullptr, 0);
  return address;
}

struct Enrolled {
  ThreadCounters counters{counter("thread.allocatedp"), counter("thread.deallocatedp")};
  Enrolled() {
    const std::lock_guard lock(registry().mutex);
    registry().threads.push_back(counters);
  }
  ~Enrolled() {
    const std::lock_guard lock(registry().mutex);
    auto& all = registry().threads;
    registry().ended += static_cast<std::int64_t>(*counters.allocated - *counters.freed);
    std::erase_if(all, [&](const ThreadCounters& c) { return c.allocated == counters.allocated; });
  }
};

}  // namespace

void count_this_thread() { thread_local const Enrolled enrolled; }

std::size_t allocated_bytes() {
  Registry& r = registry();
  const std::lock_guard lock(r.mutex);
  std::int64_t sum = r.ended;
  for (const auto& t : r.threads) {
    // Another thread's counter is a word it alone writes; a value a moment old will do.
    const auto allocated = __atomic_load_n(t.allocated, __ATOMIC_RELAXED);
    const auto freed = __atomic_load_n(t.freed, __ATOMIC_RELAXED);
    sum += static_cast<std::int64_t>(allocated - freed);
  }
  return sum > 0 ? static_cast<std::size_t>(sum) : 0;
}

std::string allocator_name() {
  const char* version = "";
  std::size_t size = sizeof version;
  mallctl("version", static_cast<void*>(&version), &size, nullptr, 0);
  // What follows the number is the commit it was built from.
  const std::string_view text = version;
  return "jemalloc-" + std::string(text.substr(0, text.find('-')));
}

std::size_t allocation_size(std::size_t size) { return nallocx(size == 0 ? 1 : size, 0); }
void* allocate(std::size_t size) {
  return or_end(size, [size] { return std::malloc(size == 0 ? 1 : size); });
}
void release(void* memory, std::size_t size) { sdallocx(memory, size == 0 ? 1 : size, 0); }
void* allocate_lines(std::size_t size) {
  return or_end(size, [size] { return mallocx(size, MALLOCX_ALIGN(kCacheLine)); });
}
bool can_allocate(std::size_t size) {
  if (size < kTakenForGranted) return true;
  constexpr std::size_t kPiece = kLeftForOthers / kPiecesLeft;
  std::array<void*, kPiecesLeft + 1> probes{mallocx(size, 0)};
  std::size_t got = probes[0] == nullptr ? 0 : 1;
  while (got != 0 && got < probes.size() && (probes[got] = mallocx(kPiece, 0)) != nullptr) ++got;
  for (std::size_t i = 0; i < got; ++i) sdallocx(probes[i], i == 0 ? size : kPiece, 0);
  return got == probes.size();
}
void release_lines(void* memory, std::size_t size) { sdallocx(memory, size, MALLOCX_ALIGN(kCacheLine)); }

AllocatorFigures read_allocator_figures() {
  std::uint64_t epoch = 1;
  std::size_t size = sizeof epoch;
  mallctl("epoch", &epoch, &size, &epoch, size);
  const auto read = [](const char* name) {
    std::size_t value = 0;
    std::size_t n = sizeof value;
    mallctl(name, &value, &n, nullptr, 0);
    return static_cast<std::uint64_t>(value);
  };
  return {read("stats.allocated"), read("stats.active"), read("stats.resident")};
}

#endif

}  // namespace skein

#ifndef SKEIN_SANITIZED

// The library's own would throw: nobody here catches, and the size would not be told.
void* operator new(std::size_t size) { return skein::allocate(size); }
void* operator new[](std::size_t size) { return skein::allocate(size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return skein::or_end(size, [=] {
    return mallocx(size == 0 ? 1 : size, MALLOCX_ALIGN(static_cast<std::size_t>(alignment)));
  });
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t size) noexcept {
  if (memory != nullptr) skein::release(memory, size);
}
void operator delete[](void* memory, std::size_t size) noexcept {
  if (memory != nullptr) skein::release(memory, size);
}
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

#endif

