// What the keyspace costs by itself: finding a key, and the longest single insert while a
// table grows to 20 million keys.
#include <algorithm>
#include <array>
#include <ctime>
#include <vector>

#include <benchmark/benchmark.h>

#include <skein/keyspace/keyspace.h>

namespace skein {
namespace {

using KeyText = std::array<char, 17>;

// "key:" and twelve digits, as the load generator names them.
KeyText key_text(std::uint64_t i) {
  KeyText text;
  std::copy_n("key:000000000000", text.size(), text.begin());
  for (std::size_t at = 15; at >= 4 && i > 0; --at, i /= 10) text[at] = static_cast<char>('0' + i % 10);
  return text;
}

std::int64_t thread_nanos() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

void fill(Database& db, std::uint64_t keys) {
  for (std::uint64_t i = 0; i < keys; ++i) {
    const KeyText key = key_text(i);
    db.set_string(db.ref({key.data(), 16}), "0123456789abcdef");
  }
}

// The machine takes the processor away now and then, which the thread's own clock counts as
// well. The same keys are inserted several times into fresh tables and the smallest time of
// each insert counts: what the table itself costs comes every time at the same key.
void longest_insert(benchmark::State& state) {
  const auto keys = static_cast<std::size_t>(state.range(1));
  constexpr std::uint32_t kStep = 100;  // nanoseconds to a unit
  std::vector<std::uint16_t> smallest(keys, UINT16_MAX);
  for (auto _ : state) {
    Keyspace keyspace{1, state.range(0) != 0, 7};
    Database& db = keyspace.db(0);
    for (std::size_t i = 0; i < keys; ++i) {
      const KeyText key = key_text(i);
      const std::int64_t before = thread_nanos();
      db.set_string(db.ref({key.data(), 16}), "0123456789abcdef");
      const std::int64_t took = (thread_nanos() - before) / kStep;
      smallest[i] = std::min(smallest[i], static_cast<std::uint16_t>(std::min<std::int64_t>(took, UINT16_MAX)));
    }
  }
  state.counters["longest_us"] = *std::max_element(smallest.begin(), smallest.end()) * kStep / 1000.0;
  state.counters["above_50us"] =
      static_cast<double>(std::count_if(smallest.begin(), smallest.end(), [](auto t) { return t * kStep > 50'000; }));
}
BENCHMARK(longest_insert)->Args({0, 20'000'000})->Args({1, 20'000'000})->Iterations(4)->Unit(benchmark::kSecond);

void find(benchmark::State& state) {
  Keyspace keyspace{1, state.range(0) != 0, 7};
  Database& db = keyspace.db(0);
  constexpr std::uint64_t kKeys = 1'000'000;
  fill(db, kKeys);
  Random random{3};
  for (auto _ : state) {
    const KeyText key = key_text(random.below(kKeys));
    benchmark::DoNotOptimize(db.find(db.ref({key.data(), 16})));
  }
}
BENCHMARK(find)->Arg(0)->Arg(1);

}  // namespace
}  // namespace skein
