// A seeded source of chance (xoshiro256**), the same sequence on every machine.
//
// Decisions take one by reference, so that a simulator's seed replays a run. Not for
// secrets.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace skein {

class Random {
 public:
  explicit Random(std::uint64_t seed);

  // Seeded from the operating system, for the daemon.
  static Random from_system();

  std::uint64_t next();
  // Even over [0, bound); 0 when bound is 0.
  std::uint64_t below(std::uint64_t bound);
  // True once in `n`.
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  // `count` lower-case hexadecimal characters: node ids, run ids, replication ids.
  std::string hex(std::size_t count);

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace skein
