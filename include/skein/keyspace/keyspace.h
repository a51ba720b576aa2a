// All databases of a node and what they share.
#pragma once

#include <memory>
#include <vector>

#include <skein/keyspace/database.h>

namespace skein {

class Keyspace {
 public:
  Keyspace(int databases, bool cluster_mode, std::uint64_t hash_seed);

  [[nodiscard]] KeyspaceContext& context() { return context_; }
  [[nodiscard]] const KeyspaceContext& context() const { return context_; }
  [[nodiscard]] int count() const { return static_cast<int>(databases_.size()); }
  [[nodiscard]] Database& db(int index) { return *databases_[static_cast<std::size_t>(index)]; }
  [[nodiscard]] const Database& db(int index) const { return *databases_[static_cast<std::size_t>(index)]; }
  [[nodiscard]] std::size_t total_keys() const;

  // Takes everything out of one database, or of all when `db` is negative, and tells the listener.
  [[nodiscard]] std::vector<DetachedTables> flush(int db);
  void swap(int a, int b);

 private:
  KeyspaceContext context_;
  std::vector<std::unique_ptr<Database>> databases_;
};

}  // namespace skein
