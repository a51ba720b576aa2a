// What an RDB file costs by itself: writing a million small keys to nowhere, and loading them
// from memory, with the checksum and in a node of either mode.
#include <algorithm>
#include <string>

#include <benchmark/benchmark.h>

#include <skein/base/checksums.h>
#include <skein/keyspace/keyspace.h>
#include <skein/persist/rdb_loader.h>
#include <skein/persist/rdb_writer.h>

namespace skein {
namespace {

class NullSink : public ByteSink {
 public:
  Result<void> write(std::string_view piece) override {
    bytes += piece.size();
    return {};
  }
  std::size_t bytes = 0;
};

class StringSink : public ByteSink {
 public:
  Result<void> write(std::string_view piece) override {
    bytes += piece;
    return {};
  }
  std::string bytes;
};

// Sixteen bytes of key and of value.
void fill(Keyspace& keyspace, std::uint64_t keys) {
  Database& db = keyspace.db(0);
  for (std::uint64_t i = 0; i < keys; ++i) {
    const std::string digits = std::to_string(i);
    db.set_string(db.ref("key:" + std::string(12 - digits.size(), '0') + digits), "value-of-16-byte");
  }
}

void write(benchmark::State& state) {
  Keyspace keyspace{1, state.range(1) != 0, 7};
  const auto keys = static_cast<std::uint64_t>(state.range(0));
  fill(keyspace, keys);
  for (auto _ : state) {
    NullSink sink;
    if (!write_rdb(keyspace, {}, {}, sink)) state.SkipWithError("not written");
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(write)->Args({1'000'000, 0})->Args({1'000'000, 1})->Args({5'000'000, 0})->Unit(benchmark::kMillisecond);

// In pieces as they come from a file or a socket. Range 2: 1 checks without keeping.
void load(benchmark::State& state) {
  constexpr std::size_t kPiece = 64UL * 1024;
  const bool cluster = state.range(1) != 0;
  StringSink sink;
  {
    Keyspace keyspace{1, cluster, 7};
    fill(keyspace, static_cast<std::uint64_t>(state.range(0)));
    if (!write_rdb(keyspace, {}, {}, sink)) state.SkipWithError("not written");
  }
  for (auto _ : state) {
    state.PauseTiming();
    {
      Keyspace keyspace{1, cluster, 8};
      state.ResumeTiming();
      RdbLoader loader(state.range(2) != 0 ? nullptr : &keyspace, {});
      std::string_view left = sink.bytes;
      while (!left.empty()) {
        if (!loader.feed(left.substr(0, kPiece))) state.SkipWithError("not loaded");
        left.remove_prefix(std::min(kPiece, left.size()));
      }
      if (!loader.is_complete()) state.SkipWithError("not complete");
      state.PauseTiming();
    }
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(load)
    ->Args({1'000'000, 0, 0})
    ->Args({1'000'000, 1, 0})
    ->Args({1'000'000, 0, 1})
    ->Args({5'000'000, 0, 0})
    ->Args({5'000'000, 1, 0})
    ->Unit(benchmark::kMillisecond);

void checksum(benchmark::State& state) {
  const std::string bytes(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) benchmark::DoNotOptimize(crc64(0, bytes));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(checksum)->Arg(40)->Arg(1024)->Arg(65536);

}  // namespace
}  // namespace skein
