// Puts loaded entries into a keyspace, some at a time, so that their buckets come from memory
// together and not one after the other.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <skein/keyspace/keyspace.h>

namespace skein::rdb {

class Batch {
 public:
  explicit Batch(Keyspace& keyspace) : keyspace_(keyspace) {}

  // From here on keys go there.
  void select(int db);
  // So many keys are announced for the database. Room is made for as many as what has come already
  // makes credible.
  void expect(std::uint64_t keys) { expected_ = keys; }

  struct Duplicate {
    std::string key;
    std::uint64_t offset;
  };
  // Takes an entry that stood at `offset`. A key that was there is told of when its batch goes in.
  [[nodiscard]] std::optional<Duplicate> add(OwnedEntry entry, std::uint64_t offset);
  // Everything goes in that was taken, up to the first key that is there already.
  [[nodiscard]] std::optional<Duplicate> flush();
  // The same, and room that was made in vain is given back.
  [[nodiscard]] std::optional<Duplicate> finish();

  [[nodiscard]] Database& db() { return *db_; }

 private:
  static constexpr std::size_t kSize = 32;

  struct Item {
    OwnedEntry entry;
    std::uint64_t hash;
    std::uint64_t offset;
    Slot slot;
  };

  void make_room();

  Keyspace& keyspace_;
  Database* db_ = &keyspace_.db(0);
  std::array<Item, kSize> items_;
  std::size_t count_ = 0;
  std::uint64_t expected_ = 0;
  std::uint64_t reserved_ = 0;
};

}  // namespace skein::rdb
