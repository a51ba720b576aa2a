#include <skein/base/memory.h>

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

void* or_end(void* memory, std::size_t size) {
  if (memory == nullptr) [[unlikely]] end_without(size);
  return memory;
}

// Probing costs more than a small allocation is worth, and who lacks this little ends anyway.
[[maybe_unused]] constexpr std::size_t kTakenForGranted = 1024 * 1024;
// What must be there beside it, so that the next small allocation does not end the process.
[[maybe_unused]] constexpr std::size_t kLeftForOthers = 16 * 1024 * 1024;

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
void* allocate(std::size_t size) { return or_end(std::malloc(allocation_size(size)), size); }
bool can_allocate(std::size_t) { return true; }
void release(void* memory, std::size_t) { std::free(memory); }
void* allocate_lines(std::size_t size) { return or_end(std::aligned_alloc(kCacheLine, size), size); }
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
void* allocate(std::size_t size) { return or_end(std::malloc(size == 0 ? 1 : size), size); }
void release(void* memory, std::size_t size) { sdallocx(memory, size == 0 ? 1 : size, 0); }
void* allocate_lines(std::size_t size) { return or_end(mallocx(size, MALLOCX_ALIGN(kCacheLine)), size); }
bool can_allocate(std::size_t size) {
  if (size < kTakenForGranted) return true;
  const std::size_t probed = size + kLeftForOthers;
  void* memory = mallocx(probed, 0);
  if (memory != nullptr) sdallocx(memory, probed, 0);
  return memory != nullptr;
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
  return skein::or_end(mallocx(size == 0 ? 1 : size, MALLOCX_ALIGN(static_cast<std::size_t>(alignment))), size);
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

