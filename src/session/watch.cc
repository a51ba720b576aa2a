#include <skein/session/watch.h>

#include <algorithm>

#include <skein/base/checksums.h>

namespace skein {

namespace {

// A key that had expired when it was watched was missing then; that it goes is no change.
bool had_expired(const Session& session, int db, std::string_view key) {
  return std::any_of(session.watched.begin(), session.watched.end(),
                     [&](const WatchedKey& w) { return w.db == db && w.key == key && w.was_expired; });
}

}  // namespace

void WatchTable::watch(Session& session, int db, const KeyRef& key) {
  // By the key and not by the session: who watches a million keys must not look at all of them for each.
  std::vector<Session*>& watchers = watchers_[{db, std::string(key.bytes)}];
  if (std::find(watchers.begin(), watchers.end(), &session) != watchers.end()) return;
  const Entry* entry = keyspace_.db(db).peek(key);
  const bool expired = entry != nullptr && entry->expired_at(keyspace_.context().now);
  session.watched.push_back({db, std::string(key.bytes), expired});
  watchers.push_back(&session);
  session.watch_table = this;
  keyspace_.context().listener = this;
}

void WatchTable::unwatch_all(Session& session) {
  for (const auto& watched : session.watched) {
    const auto at = watchers_.find({watched.db, watched.key});
    if (at == watchers_.end()) continue;
    std::erase(at->second, &session);
    if (at->second.empty()) watchers_.erase(at);
  }
  session.watched.clear();
  session.dirty_watch = false;
  if (watchers_.empty()) keyspace_.context().listener = nullptr;
}

bool WatchTable::is_broken(const Session& session) const {
  if (session.dirty_watch) return true;
  return std::any_of(session.watched.begin(), session.watched.end(), [&](const WatchedKey& watched) {
    if (watched.was_expired) return false;
    const Database& db = keyspace_.db(watched.db);
    const Entry* entry = db.peek(db.ref(watched.key));
    return entry != nullptr && entry->expired_at(keyspace_.context().now);
  });
}

void WatchTable::on_touched(int db, std::string_view key, KeyEvent event) {
  const auto at = watchers_.find({db, std::string(key)});
  if (at == watchers_.end()) return;
  for (Session* session : at->second) {
    if (event != KeyEvent::kExpired || !had_expired(*session, db, key)) session->dirty_watch = true;
  }
}

void WatchTable::on_flushed(int db) {
  for (const auto& [place, sessions] : watchers_) {
    if (db >= 0 && place.db != db) continue;
    const Database& database = keyspace_.db(place.db);
    const Entry* entry = database.peek(database.ref(place.key));
    if (entry == nullptr) continue;
    const bool expired = entry->expired_at(keyspace_.context().now);
    for (Session* session : sessions) {
      if (!expired || !had_expired(*session, place.db, place.key)) session->dirty_watch = true;
    }
  }
}

void WatchTable::on_slots_left(std::span<const Slot> slots) {
  std::vector<bool> has_left(kSlotCount);
  for (const Slot slot : slots) has_left[slot.value] = true;
  for (const auto& [place, sessions] : watchers_) {
    if (!has_left[slot_of_key(place.key).value]) continue;
    for (Session* session : sessions) session->dirty_watch = true;
  }
}

void WatchTable::on_swapped(int a, int b) {
  for (const auto& [place, sessions] : watchers_) {
    if (place.db != a && place.db != b) continue;
    const auto exists = [this, &key = place.key](int db) {
      const Database& database = keyspace_.db(db);
      return database.peek(database.ref(key)) != nullptr;
    };
    if (!exists(a) && !exists(b)) continue;
    for (Session* session : sessions) session->dirty_watch = true;
  }
}

}  // namespace skein
