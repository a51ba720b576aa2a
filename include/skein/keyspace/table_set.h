// The tables of a database: one, or one a slot, then with the buckets of small ones side by side.
//
// Knows no keys: whoever hashes them says which table. An insert or erase in one table may move the
// buckets of another, so a place is good until the next of them in the whole set.
#pragma once

#include <memory>
#include <vector>

#include <skein/keyspace/bucket_shelves.h>
#include <skein/keyspace/bucket_table.h>
#include <skein/keyspace/entry.h>

namespace skein {

class TableSet {
 public:
  using Table = BucketTable<Entry>;
  static_assert(Table::kSegmented == BucketShelves::kLengths);

  explicit TableSet(std::size_t tables)
      : shelves_(tables > 1 ? std::make_unique<BucketShelves>(tables) : nullptr), tables_(tables) {}
  TableSet(TableSet&&) noexcept = default;
  TableSet& operator=(TableSet&&) = delete;
  // Frees the buckets, not the entries.
  ~TableSet() {
    // Their arrays go with the shelves.
    if (shelves_ != nullptr) {
      for (Table& table : tables_) table.clear(LeftArrays{});
    }
  }
  void swap(TableSet& other) noexcept {
    shelves_.swap(other.shelves_);
    tables_.swap(other.tables_);
  }

  [[nodiscard]] std::size_t count() const { return tables_.size(); }
  [[nodiscard]] const Table& operator[](std::size_t table) const { return tables_[table]; }
  [[nodiscard]] auto begin() const { return tables_.begin(); }
  [[nodiscard]] auto end() const { return tables_.end(); }

  template <typename Rehash>
  void insert(std::size_t table, std::uint64_t hash, Entry* entry, Rehash&& rehash) {
    if (shelves_ == nullptr) {
      tables_[table].insert(hash, entry, entry->has_expiry(), rehash);
    } else {
      tables_[table].insert(hash, entry, entry->has_expiry(), rehash, ShelvedArrays{*this, table});
    }
  }
  void erase(std::size_t table, std::uint64_t hash, const Entry* entry) {
    if (shelves_ == nullptr) {
      tables_[table].erase(hash, entry);
    } else {
      tables_[table].erase(hash, entry, ShelvedArrays{*this, table});
    }
  }
  void replace(std::size_t table, Table::Place place, Entry* entry) {
    tables_[table].replace(place, entry, entry->has_expiry());
  }

  // For a set of one table alone: of many it is not known how keys spread over them.
  template <typename Rehash>
  void reserve(std::size_t keys, Rehash&& rehash) {
    if (shelves_ == nullptr) tables_[0].reserve(keys, rehash);
  }
  void shrink_to_fit() {
    if (shelves_ == nullptr) tables_[0].shrink_to_fit();
  }

 private:
  struct ShelvedArrays {
    TableSet& set;
    std::size_t table;
    Bucket* resize(Bucket* array, std::uint32_t from, std::uint32_t to, std::uint32_t used) const {
      const auto [resized, moved] = set.shelves_->resize(static_cast<std::uint16_t>(table), array, from, to, used);
      if (moved) set.tables_[moved->owner].moved_to(moved->to);
      return resized;
    }
  };
  struct LeftArrays {
    static Bucket* resize(Bucket*, std::uint32_t, std::uint32_t, std::uint32_t) { return nullptr; }
  };

  std::unique_ptr<BucketShelves> shelves_;  // null with one table
  std::vector<Table> tables_;
};

}  // namespace skein
