#include <skein/keyspace/bucket_table.h>

#include <set>
#include <unordered_map>

#include <skein/base/random.h>

namespace skein {
namespace {

struct Item {
  std::uint64_t key;
  std::uint64_t hash;
};

class Shelf {
 public:
  ~Shelf() {
    for (auto& [key, item] : items_) delete item;
  }
  void add(std::uint64_t key) {
    auto* item = new Item{key, key * 0x9e3779b97f4a7c15};
    items_[key] = item;
    table.insert(item->hash, item, key % 3 == 0, rehash);
  }
  void drop(std::uint64_t key) {
    Item* item = items_.at(key);
    table.erase(item->hash, item);
    items_.erase(key);
    delete item;
  }
  [[nodiscard]] bool has(std::uint64_t key) const {
    return static_cast<bool>(table.find(key * 0x9e3779b97f4a7c15, [&](const Item& i) { return i.key == key; }));
  }

  BucketTable<Item> table;

 private:
  static std::uint64_t rehash(const Item& item) { return item.hash; }
  std::unordered_map<std::uint64_t, Item*> items_;
};

TEST(BucketTable, FindsWhatWasPutInAtEverySize) {
  Shelf shelf;
  for (std::uint64_t k = 0; k < 50000; ++k) {
    shelf.add(k);
    if ((k & (k - 1)) == 0) {
      for (std::uint64_t j = 0; j <= k; ++j) ASSERT_TRUE(shelf.has(j)) << j << " of " << k;
      ASSERT_FALSE(shelf.has(k + 1));
    }
  }
  EXPECT_EQ(shelf.table.size(), 50000U);
  EXPECT_EQ(shelf.table.marked(), 16667U);
}

TEST(BucketTable, ShrinksAsItEmptiesAndForgetsNothing) {
  Shelf shelf;
  for (std::uint64_t k = 0; k < 30000; ++k) shelf.add(k);
  const auto before = shelf.table.bucket_count();
  for (std::uint64_t k = 0; k < 29990; ++k) {
    shelf.drop(k);
    if (k % 1000 == 0) {
      for (std::uint64_t j = k + 1; j < 30000; j += 7) ASSERT_TRUE(shelf.has(j));
    }
  }
  EXPECT_LT(shelf.table.bucket_count(), before / 100);
  for (std::uint64_t k = 29990; k < 30000; ++k) shelf.drop(k);
  EXPECT_EQ(shelf.table.bucket_count(), 0U);
  EXPECT_EQ(shelf.table.marked(), 0U);
}

TEST(BucketTable, RandomInsertsAndErasesAgreeWithASet) {
  Shelf shelf;
  std::set<std::uint64_t> model;
  Random random{11};
  for (int step = 0; step < 200000; ++step) {
    const auto key = random.below(step < 100000 ? 20000 : 500);
    if (model.insert(key).second) {
      shelf.add(key);
    } else if (random.one_in(2)) {
      model.erase(key);
      shelf.drop(key);
    }
    ASSERT_EQ(shelf.table.size(), model.size());
  }
  std::set<std::uint64_t> seen;
  shelf.table.for_each([&](const Item& item) { EXPECT_TRUE(seen.insert(item.key).second); });
  EXPECT_EQ(seen, model);
}

// The guarantee of SCAN: what is there from the first call to the last is seen.
TEST(BucketTable, AScanSeesWhatStaysWhileTheTableGrowsAndShrinks) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Shelf shelf;
    Random random{seed};
    const std::uint64_t stay = 1 + random.below(3000);
    std::set<std::uint64_t> others;
    for (std::uint64_t k = 0; k < stay; ++k) shelf.add(k);
    for (std::uint64_t k = 0; k < random.below(5000); ++k) {
      shelf.add(100000 + k);
      others.insert(100000 + k);
    }
    std::set<std::uint64_t> seen;
    std::uint64_t cursor = 0;
    std::uint64_t fresh = 200000;
    const bool growing = random.one_in(2);
    do {
      cursor = shelf.table.scan_step(cursor, [&](const Item& item) { seen.insert(item.key); });
      for (std::uint64_t change = random.below(20); change > 0; --change) {
        if (growing) {
          shelf.add(fresh);
          others.insert(fresh++);
          if (fresh > 230000) break;
        } else if (!others.empty()) {
          shelf.drop(*others.begin());
          others.erase(others.begin());
        }
      }
    } while (cursor != 0);
    for (std::uint64_t k = 0; k < stay; ++k) ASSERT_TRUE(seen.contains(k)) << "seed " << seed << " key " << k;
  }
}

TEST(BucketTable, SweepsOnlyTheMarked) {
  Shelf shelf;
  for (std::uint64_t k = 0; k < 1000; ++k) shelf.add(k);
  std::set<std::uint64_t> seen;
  std::uint32_t at = 0;
  do {
    at = shelf.table.sweep_marked(at, 10, [&](const Item& item) { seen.insert(item.key); });
  } while (at != 0);
  EXPECT_EQ(seen.size(), 334U);
  for (const auto key : seen) EXPECT_EQ(key % 3, 0U);
}

TEST(BucketTable, ReservesBeforeAndBetweenInserts) {
  for (const std::uint64_t before : {0, 1, 100, 3000}) {
    Shelf shelf;
    for (std::uint64_t k = 0; k < before; ++k) shelf.add(k);
    shelf.table.reserve(20000, [](const Item& item) { return item.hash; });
    const auto reserved = shelf.table.bucket_count();
    for (std::uint64_t k = before; k < 20000; ++k) shelf.add(k);
    EXPECT_EQ(shelf.table.bucket_count(), reserved) << "nothing was split";
    EXPECT_LE(reserved, 20000U * 16 / BucketTable<Item>::kLoadTimes16 + 1);
    for (std::uint64_t k = 0; k < 20000; ++k) ASSERT_TRUE(shelf.has(k));
    EXPECT_EQ(shelf.table.size(), 20000U);
  }
}

TEST(BucketTable, GivesBackWhatWasReservedInVain) {
  const auto rehash = [](const Item& item) { return item.hash; };
  Shelf shelf;
  shelf.table.reserve(50000, rehash);
  shelf.table.shrink_to_fit();
  EXPECT_EQ(shelf.table.bucket_count(), 0U);
  shelf.table.reserve(50000, rehash);
  for (std::uint64_t k = 0; k < 100; ++k) shelf.add(k);
  shelf.table.shrink_to_fit();
  EXPECT_LE(shelf.table.bucket_count(), 50U);
  for (std::uint64_t k = 0; k < 100; ++k) ASSERT_TRUE(shelf.has(k));
  for (std::uint64_t k = 0; k < 100; ++k) shelf.drop(k);
}

TEST(BucketTable, AWalkSeesEachOnce) {
  for (const std::uint64_t size : {0, 1, 3, 20, 300, 5000}) {
    Shelf shelf;
    for (std::uint64_t k = 0; k < size; ++k) shelf.add(k);
    std::set<std::uint64_t> seen;
    shelf.table.walk([&](const Item& item) { EXPECT_TRUE(seen.insert(item.key).second); });
    EXPECT_EQ(seen.size(), size);
  }
}

// Keys that all meet in one bucket: slow, never wrong.
TEST(BucketTable, LongChainsWork) {
  BucketTable<Item> table;
  std::vector<Item> items(100);
  const auto rehash = [](const Item& item) { return item.hash; };
  for (std::uint64_t k = 0; k < items.size(); ++k) {
    items[k] = {k, 7};
    table.insert(7, &items[k], false, rehash);
  }
  for (auto& item : items) {
    ASSERT_TRUE(table.find(7, [&](const Item& i) { return i.key == item.key; }));
    table.erase(7, &item);
    ASSERT_FALSE(table.find(7, [&](const Item& i) { return i.key == item.key; }));
  }
}

}  // namespace
}  // namespace skein
