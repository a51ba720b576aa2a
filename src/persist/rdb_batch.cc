#include "rdb_batch.h"

#include <algorithm>

namespace skein::rdb {

namespace {
// An announcement alone is worth some 14 MiB of buckets, and then eight times the keys that came.
constexpr std::uint64_t kReservedAtOnce = 1'000'000;
constexpr std::uint64_t kReservedAhead = 8;
}  // namespace

void Batch::select(int db) {
  db_ = &keyspace_.db(db);
  expected_ = reserved_ = 0;
}

std::optional<Batch::Duplicate> Batch::add(OwnedEntry entry, std::uint64_t offset) {
  const KeyRef key = db_->ref(entry->key());
  if (keyspace_.context().cluster_mode) db_->prefetch_head(key);
  items_[count_++] = {std::move(entry), key.hash, offset, key.slot};
  return count_ == kSize ? flush() : std::nullopt;
}

void Batch::make_room() {
  const std::uint64_t wanted = db_->size() + count_;
  if (wanted <= reserved_ || expected_ <= reserved_) return;
  reserved_ = std::min(expected_, std::max(kReservedAtOnce, wanted * kReservedAhead));
  db_->reserve(reserved_);
}

std::optional<Batch::Duplicate> Batch::flush() {
  make_room();
  const std::size_t count = std::exchange(count_, 0);
  // All at once: what a bucket's page costs to find is waited for together too.
  for (std::size_t i = 0; i < count; ++i) db_->prefetch_bucket({{}, items_[i].hash, items_[i].slot});
  for (std::size_t i = 0; i < count; ++i) {
    Item& item = items_[i];
    const KeyRef key{item.entry->key(), item.hash, item.slot};
    if (db_->load(key, item.entry)) continue;
    Duplicate duplicate{std::string(key.bytes), item.offset};
    for (; i < count; ++i) items_[i].entry.reset();
    return duplicate;
  }
  return std::nullopt;
}

std::optional<Batch::Duplicate> Batch::finish() {
  auto duplicate = flush();
  if (reserved_ > 0) db_->shrink_to_fit();
  return duplicate;
}

}  // namespace skein::rdb
