#include <skein/keyspace/flying_keys.h>

#include <algorithm>

namespace skein {

bool FlyingKeys::has(const KeyRef& key) const {
  const auto by_hash = [](const KeyRef& one, std::uint64_t hash) { return one.hash < hash; };
  for (const Flight& flight : flights_) {
    auto at = std::lower_bound(flight.keys.begin(), flight.keys.end(), key.hash, by_hash);
    for (; at != flight.keys.end() && at->hash == key.hash; ++at) {
      if (at->bytes == key.bytes) return true;
    }
  }
  return false;
}

void FlyingKeys::add(FlightId flight, int db, std::span<const KeyRef> keys) {
  Flight& added = flights_.emplace_back(Flight{flight, db, {keys.begin(), keys.end()}});
  std::sort(added.keys.begin(), added.keys.end(), [](const KeyRef& a, const KeyRef& b) { return a.hash < b.hash; });
}

void FlyingKeys::remove(FlightId flight) {
  std::erase_if(flights_, [flight](const Flight& one) { return one.id == flight; });
}

// Ending a flight takes it out of the list.
template <typename Meant>
void FlyingKeys::end_those(Meant&& meant) {
  std::vector<FlightId> ending;
  for (const Flight& flight : flights_) {
    if (meant(flight)) ending.push_back(flight.id);
  }
  for (const FlightId id : ending) on_taken(id);
}

void FlyingKeys::before_flush(int db) {
  end_those([db](const Flight& flight) { return db < 0 || flight.db == db; });
}

void FlyingKeys::before_losing(Slot slot) {
  end_those([slot](const Flight& flight) {
    return std::any_of(flight.keys.begin(), flight.keys.end(), [slot](const KeyRef& key) { return key.slot == slot; });
  });
}

}  // namespace skein
