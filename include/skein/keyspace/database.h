// One database: the only place that writes to its tables.
//
// Outside cluster mode a database is one table; in cluster mode it is 16,384, one a slot,
// so that counting, listing and deleting a slot costs what the slot costs. Expired keys
// are found here, lazily and by sweeping; every change passes one point, `touched`, from
// which WATCH and the dirty count live.
//
// Knows no clients and no replies. Times are given by `KeyspaceClock`, set once a turn.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <skein/base/ids.h>
#include <skein/base/random.h>
#include <skein/keyspace/entry.h>
#include <skein/keyspace/flying_keys.h>
#include <skein/keyspace/key_ref.h>
#include <skein/keyspace/table_set.h>

namespace skein {

// What happened to a key. The names are those of keyspace notifications.
enum class KeyEvent : std::uint8_t {
  kSet, kIncrby, kIncrbyfloat, kAppend, kSetrange, kDel, kExpire, kPersist, kExpired, kRenameFrom, kRenameTo,
  kCopyTo, kMoveFrom, kMoveTo, kFlush, kRestore, kEvicted,
};

// Who wants to hear of every change to a key: WATCH first. One listener, told only while
// it says it cares; it must not change the keyspace from inside.
class KeyListener {
 public:
  virtual ~KeyListener() = default;
  virtual void on_touched(int db, std::string_view key, KeyEvent event) = 0;
  // Every key of `db` is about to vanish (or of all databases, db < 0).
  virtual void on_flushed(int db) = 0;
};

// What all databases of a node share. Plain facts, refreshed by the owner.
struct KeyspaceContext {
  std::uint64_t hash_seed = 0;
  bool cluster_mode = false;
  // Replicas answer an expired key as missing but leave its removal to their primary.
  bool delete_expired = true;
  // While its primary's commands are executed a replica sees expired keys as its primary did: alive.
  bool expired_live_on = false;
  // Access clocks count with LFU's counter instead of LRU's seconds. Since when: an entry whose clock was
  // written by the other way is as one that came then.
  bool lfu = false;
  UnixMillis lfu_changed{};
  int lfu_log_factor = 10;
  int lfu_decay_minutes = 1;
  UnixMillis now{};
  KeyListener* listener = nullptr;  // null while nobody cares
  // Changes since the last snapshot, and over the node's life.
  std::uint64_t dirty = 0;
  std::uint64_t expired_keys = 0;
  std::uint64_t evicted_keys = 0;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  // Keys removed since last taken because they had expired or were evicted; the effects of it are owed to replicas.
  std::vector<std::pair<int, std::string>> owed_removals;
  bool collect_removals = false;
  // Neither expire nor are evicted.
  FlyingKeys flying;
  Random random{0};
};

[[nodiscard]] std::uint64_t hash_key(std::string_view key, std::uint64_t seed);

// Everything a flushed database held. Frees it when destroyed, on whatever thread that is.
class DetachedTables {
 public:
  explicit DetachedTables(TableSet tables) : tables_(std::move(tables)) {}
  DetachedTables(DetachedTables&&) = default;
  DetachedTables& operator=(DetachedTables&&) = delete;
  ~DetachedTables();
  [[nodiscard]] std::size_t keys() const;

 private:
  TableSet tables_;
};

class Database {
 public:
  Database(int index, KeyspaceContext& context);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  [[nodiscard]] int index() const { return index_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t expiring() const { return expiring_; }

  [[nodiscard]] KeyRef ref(std::string_view key) const;

  // Hints for a batch of requests: in cluster mode first prefetch_head for all; then
  // prefetch_bucket for all, then prefetch_entry for all; and prefetch_value where an entry has come.
  [[gnu::always_inline]] void prefetch_head(const KeyRef& key) const {
    __builtin_prefetch(&tables_[key.slot.value]);
  }
  [[gnu::always_inline]] void prefetch_bucket(const KeyRef& key) const { table(key).prefetch_bucket(key.hash); }
  [[gnu::always_inline]] void prefetch_entry(const KeyRef& key) const { table(key).prefetch_entry(key.hash); }

  [[gnu::always_inline]] void prefetch_value(const KeyRef& key) const {
    if (const Entry* entry = table(key).guess(key.hash); entry != nullptr) entry->prefetch_value();
  }

  // Whether that would do anything.
  [[nodiscard]] bool has_long_value(const KeyRef& key) const {
    const Entry* entry = table(key).guess(key.hash);
    return entry != nullptr && entry->has_long_value();
  }

  // The live entry, or null. An expired one is removed on the way (or hidden on a replica).
  // Pointers are good until the next change to this database.
  [[nodiscard]] Entry* find(const KeyRef& key);
  // The same for a command that reads: counts a hit or a miss, freshens the access clock.
  [[nodiscard]] Entry* read(const KeyRef& key) {
    Entry* entry = find(key);
    if (entry == nullptr) {
      ++context_.misses;
      return nullptr;
    }
    ++context_.hits;
    freshen(*entry);
    return entry;
  }
  // The same for a command that means to change the key: freshened, but not counted.
  [[nodiscard]] Entry* find_to_change(const KeyRef& key) {
    Entry* entry = find(key);
    if (entry != nullptr) freshen(*entry);
    return entry;
  }
  // The same for a command that asks about a key without using it: the access clock stays.
  [[nodiscard]] Entry* inspect(const KeyRef& key) {
    Entry* entry = find(key);
    ++(entry != nullptr ? context_.hits : context_.misses);
    return entry;
  }
  // What is in the table, expired or not, clocks untouched.
  [[nodiscard]] const Entry* peek(const KeyRef& key) const;
  // The same entry, or null if it is in no table any more: `entry` is compared, and not looked at before it
  // has been found. Of `where` the hash and the slot count.
  [[nodiscard]] const Entry* find_again(const KeyRef& where, const Entry* entry) const;
  void freshen(Entry& entry) const;
  // By the access clock: since when nobody used it; with LFU how often it is used, 0 to 255.
  [[nodiscard]] seconds idle_time(const Entry& entry) const;
  [[nodiscard]] std::uint32_t frequency(const Entry& entry) const;
  // The clock of an entry that comes with what another node knew of its use; what the access
  // policy has no use for is as if it were not known.
  struct KnownUse {
    std::optional<seconds> idle;
    std::optional<std::uint8_t> frequency;
  };
  [[nodiscard]] AccessClock access_clock(const KnownUse& use) const;

  enum class Expiry : std::uint8_t { kDrop, kKeep };
  // Creates or overwrites. With kDrop the key has no expiry afterwards. `own`: see Entry::create.
  Entry* set_string(const KeyRef& key, std::string_view value, Expiry expiry = Expiry::kDrop,
                    KeyEvent event = KeyEvent::kSet, OwnedBytes own = {});
  // Creates or overwrites, with an expiry, in one go.
  Entry* set_string_until(const KeyRef& key, std::string_view value, UnixMillis expiry, OwnedBytes own = {});
  // Overwrites a live string's value with a number, or creates it; the expiry stays.
  Entry* set_integer(const KeyRef& key, std::int64_t value, KeyEvent event = KeyEvent::kIncrby);
  // The same where the live entry is known and holds a number: no second search.
  void set_integer(const KeyRef& key, Entry& entry, std::int64_t value, KeyEvent event = KeyEvent::kIncrby) {
    Entry::assign_integer(&entry, value);
    freshen(entry);
    touched(key.bytes, event);
  }
  // Overwrites a live string's value, or creates it, with text that stays text even where it reads as a
  // number; the expiry stays.
  void set_text(const KeyRef& key, std::string_view text, KeyEvent event);
  // Makes the value `size` raw bytes (old ones kept, new ones zero) and returns them for writing; the expiry stays.
  char* resize_string(const KeyRef& key, std::size_t size, KeyEvent event);
  // False when there was no live key.
  bool erase(const KeyRef& key, KeyEvent event = KeyEvent::kDel);
  // Removes a key because memory is short. False when there was none; one that had expired goes as such.
  bool evict(const KeyRef& key);
  // Sets or clears a live key's expiry. False when there is no key.
  bool set_expiry(const KeyRef& key, std::optional<UnixMillis> expiry);
  // `from` must live; an existing `to` is replaced.
  void rename(const KeyRef& from, const KeyRef& to);
  // `key` lives in `source`, another database, and not here.
  void move_from(Database& source, const KeyRef& key);
  // `from` lives in `source`, which may be this database; an existing `to` here is replaced.
  void copy_from(Database& source, const KeyRef& from, const KeyRef& to, KeyEvent event = KeyEvent::kCopyTo);

  // A whole entry, its access clock set, in place of what its key held. Its key is `key.bytes`.
  void adopt(const KeyRef& key, OwnedEntry entry, KeyEvent event);

  // Loading a data set. Room for about so many keys is made at once, so that no bucket is split
  // meanwhile; `shrink_to_fit` gives back what was too much. With a table a slot nothing is done: how
  // keys spread over them is not known.
  void reserve(std::size_t keys);
  void shrink_to_fit();
  // Adds a whole entry, its access clock set, unless its key is there; then it stays with the caller,
  // and this is false. No change that anybody is told of or counts.
  [[nodiscard]] bool load(const KeyRef& key, OwnedEntry& entry);

  // A live key in about even odds, or null when there is none.
  [[nodiscard]] const Entry* random_entry();
  // Visits `count` entries, or a few more, that chance picks; those with an expiry alone, if asked for.
  // Fewer where there are fewer, or where finding them would take long. Expired keys are visited too.
  void sample(std::size_t count, bool expiring_only, const std::function<void(const Entry&)>& visit);
  // Visits at least `count` places' entries; returns the next cursor, 0 at the end. Expired keys are visited too.
  std::uint64_t scan(std::uint64_t cursor, std::size_t count, const std::function<void(const Entry&)>& visit);
  void for_each(const std::function<void(const Entry&)>& visit) const;
  // The same for a walk over everything, where waiting for memory would be most of the time.
  template <typename Visit>
  void walk(Visit&& visit) const {
    for (std::size_t i = 0; i < tables_.count(); ++i) {
      if (i + 1 < tables_.count()) tables_[i + 1].prefetch_walk();
      tables_[i].walk(visit);
    }
  }

  [[nodiscard]] std::size_t count_in_slot(Slot slot) const;
  // Up to `limit` keys of a slot.
  [[nodiscard]] std::vector<std::string> keys_in_slot(Slot slot, std::size_t limit) const;
  // Removes all keys of a slot; how many there were.
  std::size_t erase_slot(Slot slot);

  // Takes everything out. The caller decides where it is freed.
  [[nodiscard]] DetachedTables detach_all();
  void swap_content(Database& other);

  // Removes expired keys in about `buckets` more buckets, going round. How many were removed.
  std::size_t expire_some(std::size_t buckets);
  // Buckets in use, to scale the sweep.
  [[nodiscard]] std::size_t bucket_count() const;
  // The mean time to live of keys seen by the last sweep, in milliseconds; 0 if unknown.
  [[nodiscard]] std::int64_t average_ttl() const { return average_ttl_; }

 private:
  using Table = TableSet::Table;
  // Slots are counted in groups, so that finding the next or a random non-empty slot
  // looks at 128 groups and 128 slots, and an insert pays for one addition.
  static constexpr int kGroupBits = 7;
  static constexpr int kGroups = kSlotCount >> kGroupBits;

  [[nodiscard]] const Table& table(const KeyRef& key) const { return tables_[key.slot.value]; }
  [[nodiscard]] Table::Place place(const KeyRef& key) const {
    return table(key).find(key.hash, [&](const Entry& e) { return e.key_equals(key.bytes); });
  }
  [[nodiscard]] auto rehash() const {
    return [seed = context_.hash_seed](const Entry& e) { return hash_key(e.key(), seed); };
  }
  [[nodiscard]] Entry* live(const KeyRef& key, Table::Place& place);
  void add(const KeyRef& key, Entry* entry);
  void insert(const KeyRef& key, Entry* entry);
  [[nodiscard]] Entry* take(const KeyRef& key);
  void put(const KeyRef& key, Table::Place place, Entry* entry);
  void remove(const KeyRef& key, Entry* entry);
  void remove_expired(const KeyRef& key, Entry* entry);
  void count(Slot slot, int keys, int expiring);
  // An expired key was doomed before, and what is evicted is not to come back: neither is a change that a
  // snapshot waits for.
  void touched(std::string_view key, KeyEvent event) {
    if (event != KeyEvent::kExpired && event != KeyEvent::kEvicted) ++context_.dirty;
    if (context_.listener != nullptr) [[unlikely]] context_.listener->on_touched(index_, key, event);
  }
  // As if used at `then`, or as one that is new then.
  [[nodiscard]] AccessClock clock_at(UnixMillis then) const;
  // The entry's clock, in the way clocks count now.
  [[nodiscard]] AccessClock clock_of(const Entry& entry) const {
    const AccessClock clock = entry.access_clock();
    return clock.counts_uses == context_.lfu ? clock : clock_at(context_.lfu_changed);
  }
  void owe_removal(const Entry& entry);
  // By the number of their keys, or of their keys with an expiry. There are some.
  [[nodiscard]] std::size_t random_slot(bool expiring_only);
  [[nodiscard]] std::size_t next_used_slot(std::size_t from) const;

  int index_;
  KeyspaceContext& context_;
  TableSet tables_;
  std::size_t size_ = 0;
  std::size_t expiring_ = 0;
  std::vector<std::uint32_t> group_keys_;
  std::vector<std::uint32_t> group_expiring_;
  std::uint32_t sweep_slot_ = 0;
  std::uint32_t sweep_bucket_ = 0;
  std::int64_t average_ttl_ = 0;
};

}  // namespace skein
