#include "seen_keys.h"

#include <algorithm>
#include <utility>

#include <skein/keyspace/database.h>

namespace skein::rdb {

std::optional<std::uint64_t> SeenKeys::add(std::string_view key, int db, std::uint64_t offset) {
  const std::uint64_t hash = hash_key(key, seed_ + static_cast<std::uint64_t>(db));
  items_[count_++] = {std::max<std::uint64_t>(hash, 1), offset};
  return count_ == kBatch ? flush() : std::nullopt;
}

std::optional<std::uint64_t> SeenKeys::flush() {
  while ((used_ + count_) * 4 > table_.size() * 3) grow();
  const std::size_t count = std::exchange(count_, 0);
  // All at once, so that they are waited for together.
  for (std::size_t i = 0; i < count; ++i) __builtin_prefetch(&table_[home_of(items_[i].hash)]);
  for (std::size_t i = 0; i < count; ++i) {
    if (!insert(items_[i].hash)) return items_[i].offset;
  }
  return std::nullopt;
}

bool SeenKeys::insert(std::uint64_t hash) {
  std::size_t at = home_of(hash);
  for (; table_[at] != 0; at = (at + 1) & (table_.size() - 1)) {
    if (table_[at] == hash) return false;
  }
  table_[at] = hash;
  ++used_;
  return true;
}

void SeenKeys::grow() {
  const std::vector<std::uint64_t> before = std::exchange(table_, std::vector<std::uint64_t>(table_.size() * 2));
  --shift_;
  used_ = 0;
  for (const std::uint64_t hash : before) {
    if (hash != 0) insert(hash);
  }
}

}  // namespace skein::rdb
