#include <skein/keyspace/keyspace.h>

#include <utility>

namespace skein {

Keyspace::Keyspace(int databases, bool cluster_mode, std::uint64_t hash_seed) {
  context_.cluster_mode = cluster_mode;
  context_.hash_seed = hash_seed;
  context_.random = Random{hash_seed ^ 0x5ce1};
  databases_.reserve(static_cast<std::size_t>(databases));
  for (int i = 0; i < databases; ++i) databases_.push_back(std::make_unique<Database>(i, context_));
}

std::size_t Keyspace::total_keys() const {
  std::size_t sum = 0;
  for (const auto& database : databases_) sum += database->size();
  return sum;
}

std::vector<DetachedTables> Keyspace::flush(int db) {
  context_.flying.before_flush(db);
  if (context_.listener != nullptr) context_.listener->on_flushed(db);
  std::vector<DetachedTables> detached;
  for (auto& database : databases_) {
    if ((db >= 0 && database->index() != db) || database->size() == 0) continue;
    context_.dirty += database->size();
    detached.push_back(database->detach_all());
  }
  return detached;
}

void Keyspace::swap(int a, int b) {
  ++context_.dirty;
  if (a == b) return;
  context_.flying.before_flush(a);
  context_.flying.before_flush(b);
  db(a).swap_content(db(b));
}

}  // namespace skein
