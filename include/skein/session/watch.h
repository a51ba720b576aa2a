// WATCH: which sessions must hear when a key changes.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <skein/keyspace/keyspace.h>
#include <skein/session/session.h>

namespace skein {

class WatchTable : public KeyListener {
 public:
  // Listens to `keyspace` only while something is watched, so that nobody else pays.
  explicit WatchTable(Keyspace& keyspace) : keyspace_(keyspace) {}

  // Watching twice is watching once.
  void watch(Session& session, int db, const KeyRef& key);
  void unwatch_all(Session& session);
  [[nodiscard]] std::size_t watched_keys() const { return watchers_.size(); }
  // Whether the session's transaction must fail: a watched key changed, or has expired meanwhile.
  [[nodiscard]] bool is_broken(const Session& session) const;

  void on_touched(int db, std::string_view key, KeyEvent event) override;
  void on_flushed(int db) override;
  // After SWAPDB: keys of either database that exist in one of them count as changed.
  void on_swapped(int a, int b);
  // The slots are another node's now: what their keys hold is no longer seen here.
  void on_slots_left(std::span<const Slot> slots);

 private:
  struct Place {
    int db;
    std::string key;
    friend bool operator==(const Place&, const Place&) = default;
  };
  struct PlaceHash {
    std::size_t operator()(const Place& place) const {
      return std::hash<std::string>{}(place.key) * 31 + static_cast<std::size_t>(place.db);
    }
  };

  Keyspace& keyspace_;
  std::unordered_map<Place, std::vector<Session*>, PlaceHash> watchers_;
};

}  // namespace skein
