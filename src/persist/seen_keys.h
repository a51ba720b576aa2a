// Which keys a dry run has met, by 64 bits of hash each, so that a key which is there twice is
// found without keeping the keys.
//
// Two different keys with one hash would be taken for one: among a hundred million keys that
// happens once in some 4,000 runs, and to another pair of keys in the next, which has another seed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace skein::rdb {

class SeenKeys {
 public:
  explicit SeenKeys(std::uint64_t seed) : seed_(seed) {}

  // Takes note of a key that stood at `offset`. The answer is the offset of a key that was there
  // before, this one or one of those taken note of just before it.
  [[nodiscard]] std::optional<std::uint64_t> add(std::string_view key, int db, std::uint64_t offset);
  // The same for those that no answer has been given for yet.
  [[nodiscard]] std::optional<std::uint64_t> flush();

 private:
  static constexpr std::size_t kBatch = 32;
  struct Item {
    std::uint64_t hash;
    std::uint64_t offset;
  };

  // The high bits say where a hash belongs, so that a larger table has the same order.
  [[nodiscard]] std::size_t home_of(std::uint64_t hash) const { return static_cast<std::size_t>(hash >> shift_); }
  // False when it is there.
  bool insert(std::uint64_t hash);
  void grow();

  std::uint64_t seed_;
  std::array<Item, kBatch> items_;
  std::size_t count_ = 0;
  std::vector<std::uint64_t> table_ = std::vector<std::uint64_t>(kFirstSize);  // 0: free
  int shift_ = 64 - kFirstBits;
  std::size_t used_ = 0;

  static constexpr int kFirstBits = 10;
  static constexpr std::size_t kFirstSize = std::size_t{1} << kFirstBits;
};

}  // namespace skein::rdb
