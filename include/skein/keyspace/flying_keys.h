// Keys on their way to another node (MIGRATE).
//
// Until that node has answered they stay as they are: calls that touch them wait, and neither their expiry nor a lack
// of memory removes them. What takes keys away all the same (FLUSHALL, a slot that is lost) tells their flights first.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include <skein/keyspace/key_ref.h>

namespace skein {

class FlyingKeys {
 public:
  using FlightId = std::uint64_t;

  [[nodiscard]] bool empty() const { return flights_.empty(); }
  // A key of that name in whatever database: COPY and MOVE reach others than their client's.
  [[nodiscard]] bool has(const KeyRef& key) const;

  // The keys' bytes live until they are removed.
  void add(FlightId flight, int db, std::span<const KeyRef> keys);
  void remove(FlightId flight);

  // Keys are about to vanish: those of a database (all, if negative), or of a slot.
  void before_flush(int db);
  void before_losing(Slot slot);
  // Whoever lets them fly: the flight has ended once this returns.
  std::function<void(FlightId)> on_taken;

 private:
  struct Flight {
    FlightId id;
    int db;
    std::vector<KeyRef> keys;  // by hash
  };
  template <typename Meant>
  void end_those(Meant&& meant);

  std::vector<Flight> flights_;
};

}  // namespace skein
