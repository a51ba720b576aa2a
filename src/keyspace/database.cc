#include <skein/keyspace/database.h>

#include <algorithm>
#include <numeric>

#include <skein/base/checksums.h>
#include <skein/base/text.h>

namespace skein {

namespace {
constexpr std::uint32_t kClockMask = 0xffffff;
constexpr std::uint32_t kLfuInitial = 5;  // a new key survives a while before it has been counted

std::uint32_t minutes_of(UnixMillis time) { return static_cast<std::uint32_t>(time.value / 60000) & 0xffff; }
}  // namespace

DetachedTables::~DetachedTables() {
  for (const auto& table : tables_) table.for_each([](Entry& entry) { Entry::destroy(&entry); });
}

std::size_t DetachedTables::keys() const {
  return std::accumulate(tables_.begin(), tables_.end(), std::size_t{0},
                         [](std::size_t sum, const auto& table) { return sum + table.size(); });
}

Database::Database(int index, KeyspaceContext& context)
    : index_(index), context_(context), tables_(context.cluster_mode ? kSlotCount : 1) {
  if (context_.cluster_mode) {
    group_keys_.resize(kGroups);
    group_expiring_.resize(kGroups);
  }
}

Database::~Database() { DetachedTables gone{std::move(tables_)}; }

KeyRef Database::ref(std::string_view key) const {
  return {key, hash_key(key, context_.hash_seed), context_.cluster_mode ? slot_of_key(key) : Slot{}};
}

Entry* Database::live(const KeyRef& key, Table::Place& at) {
  at = place(key);
  if (!at) return nullptr;
  Entry* entry = at.get();
  if (entry->has_expiry() && entry->expired_at(context_.now)) [[unlikely]] {
    if (!context_.delete_expired) return context_.expired_live_on ? entry : nullptr;
    if (!context_.flying.empty() && context_.flying.has(key)) return nullptr;
    remove_expired(key, entry);
    at = {};
    return nullptr;
  }
  return entry;
}

Entry* Database::find(const KeyRef& key) {
  Table::Place at;
  return live(key, at);
}

const Entry* Database::peek(const KeyRef& key) const {
  const auto at = place(key);
  return at ? at.get() : nullptr;
}

const Entry* Database::find_again(const KeyRef& where, const Entry* entry) const {
  const auto at = table(where).find(where.hash, [entry](const Entry& e) { return &e == entry; });
  return at ? at.get() : nullptr;
}

AccessClock Database::clock_at(UnixMillis then) const {
  if (!context_.lfu) return {static_cast<std::uint32_t>(then.value / 1000) & kClockMask, false};
  return {(minutes_of(then) << 8) | kLfuInitial, true};
}

// LRU: the second of the last access. LFU: a counter that grows ever more rarely and
// decays by one for each `lfu_decay_minutes` without access.
void Database::freshen(Entry& entry) const {
  if (!context_.lfu) {
    const AccessClock clock = clock_at(context_.now);
    if (entry.access_clock() != clock) entry.set_access_clock(clock);
    return;
  }
  std::uint32_t counter = frequency(entry);
  if (counter < 255) {
    const std::uint32_t base = counter > kLfuInitial ? counter - kLfuInitial : 0;
    const std::uint64_t odds = std::uint64_t{base} * static_cast<std::uint64_t>(context_.lfu_log_factor) + 1;
    if (context_.random.one_in(odds)) ++counter;
  }
  entry.set_access_clock({(minutes_of(context_.now) << 8) | counter, true});
}

std::uint32_t Database::frequency(const Entry& entry) const {
  const std::uint32_t clock = clock_of(entry).value;
  const std::uint32_t counter = clock & 0xff;
  if (context_.lfu_decay_minutes <= 0) return counter;
  const std::uint32_t idle = (minutes_of(context_.now) - (clock >> 8)) & 0xffff;
  const std::uint32_t decay = idle / static_cast<std::uint32_t>(context_.lfu_decay_minutes);
  return decay > counter ? 0 : counter - decay;
}

seconds Database::idle_time(const Entry& entry) const {
  const auto now = static_cast<std::uint32_t>(context_.now.value / 1000);
  return seconds{(now - clock_of(entry).value) & kClockMask};
}

AccessClock Database::access_clock(const KnownUse& use) const {
  if (context_.lfu && use.frequency) return {(minutes_of(context_.now) << 8) | *use.frequency, true};
  if (!context_.lfu && use.idle) {
    // Older than the clock reaches back is as old as it can tell.
    const auto idle = std::clamp<std::int64_t>(use.idle->count(), 0, kClockMask);
    return {static_cast<std::uint32_t>(context_.now.value / 1000 - idle) & kClockMask, false};
  }
  return clock_at(context_.now);
}

void Database::count(Slot slot, int keys, int expiring) {
  size_ += static_cast<std::size_t>(keys);
  expiring_ += static_cast<std::size_t>(expiring);
  if (context_.cluster_mode) {
    group_keys_[slot.value >> kGroupBits] += static_cast<std::uint32_t>(keys);
    group_expiring_[slot.value >> kGroupBits] += static_cast<std::uint32_t>(expiring);
  }
}

void Database::add(const KeyRef& key, Entry* entry) {
  entry->set_access_clock(clock_at(context_.now));
  insert(key, entry);
}

void Database::insert(const KeyRef& key, Entry* entry) {
  tables_.insert(key.slot.value, key.hash, entry, rehash());
  count(key.slot, 1, entry->has_expiry() ? 1 : 0);
}

void Database::put(const KeyRef& key, Table::Place at, Entry* entry) {
  const auto before = table(key).marked();
  tables_.replace(key.slot.value, at, entry);
  const auto change = static_cast<int>(table(key).marked() - before);
  if (change != 0) count(key.slot, 0, change);
}

void Database::remove(const KeyRef& key, Entry* entry) {
  const bool expiring = entry->has_expiry();
  tables_.erase(key.slot.value, key.hash, entry);
  count(key.slot, -1, expiring ? -1 : 0);
  Entry::destroy(entry);
}

// Takes a key's entry out of the table without freeing it.
Entry* Database::take(const KeyRef& key) {
  const auto at = place(key);
  SKEIN_ASSERT(static_cast<bool>(at));
  Entry* entry = at.get();
  tables_.erase(key.slot.value, key.hash, entry);
  count(key.slot, -1, entry->has_expiry() ? -1 : 0);
  return entry;
}

void Database::owe_removal(const Entry& entry) {
  if (context_.collect_removals) context_.owed_removals.emplace_back(index_, entry.key());
}

void Database::remove_expired(const KeyRef& key, Entry* entry) {
  ++context_.expired_keys;
  owe_removal(*entry);
  // The key's bytes may be the entry's own.
  touched(key.bytes, KeyEvent::kExpired);
  remove(key, entry);
}

Entry* Database::set_string(const KeyRef& key, std::string_view value, Expiry expiry, KeyEvent event, OwnedBytes own) {
  Table::Place at = place(key);
  Entry* entry = nullptr;
  if (at) {
    entry = at.get();
    const bool keep = expiry == Expiry::kKeep && !entry->expired_at(context_.now);
    const bool was_marked = entry->has_expiry();
    Entry* const before = entry;
    entry = Entry::assign(entry, value, keep, std::move(own));
    if (entry != before || was_marked != entry->has_expiry()) put(key, at, entry);
    freshen(*entry);
  } else {
    entry = Entry::create(key.bytes, value, std::nullopt, std::move(own));
    add(key, entry);
  }
  touched(key.bytes, event);
  return entry;
}

Entry* Database::set_string_until(const KeyRef& key, std::string_view value, UnixMillis expiry, OwnedBytes own) {
  Table::Place at = place(key);
  Entry* entry = nullptr;
  if (at) {
    entry = Entry::set_expiry(Entry::assign(at.get(), value, true, std::move(own)), expiry);
    put(key, at, entry);
    freshen(*entry);
  } else {
    entry = Entry::create(key.bytes, value, expiry, std::move(own));
    add(key, entry);
  }
  touched(key.bytes, KeyEvent::kSet);
  return entry;
}

Entry* Database::set_integer(const KeyRef& key, std::int64_t value, KeyEvent event) {
  Table::Place at;
  Entry* entry = live(key, at);
  if (entry != nullptr) {
    Entry* const before = entry;
    entry = Entry::assign_integer(entry, value);
    if (entry != before) put(key, at, entry);
    freshen(*entry);
    touched(key.bytes, event);
    return entry;
  }
  Entry::Scratch scratch;
  return set_string(key, {scratch.data(), write_int64(scratch.data(), value)}, Expiry::kDrop, event);
}

char* Database::resize_string(const KeyRef& key, std::size_t size, KeyEvent event) {
  Table::Place at;
  Entry* entry = live(key, at);
  if (entry == nullptr) {
    set_string(key, "", Expiry::kDrop, event);
    entry = live(key, at);
  } else {
    touched(key.bytes, event);
  }
  entry = Entry::resize_raw(entry, size);
  put(key, at, entry);
  freshen(*entry);
  return entry->mutable_bytes();
}

void Database::set_text(const KeyRef& key, std::string_view text, KeyEvent event) {
  Table::Place at;
  Entry* entry = live(key, at);
  if (entry == nullptr) {
    set_string(key, "", Expiry::kDrop, event);
    entry = live(key, at);
  } else {
    touched(key.bytes, event);
  }
  entry = Entry::assign_text(entry, text);
  put(key, at, entry);
  freshen(*entry);
}

bool Database::erase(const KeyRef& key, KeyEvent event) {
  Entry* entry = find(key);
  if (entry == nullptr) return false;
  touched(key.bytes, event);
  remove(key, entry);
  return true;
}

bool Database::evict(const KeyRef& key) {
  const auto at = place(key);
  if (!at || (!context_.flying.empty() && context_.flying.has(key))) return false;
  Entry* entry = at.get();
  if (context_.delete_expired && entry->expired_at(context_.now)) {
    remove_expired(key, entry);
    return true;
  }
  ++context_.evicted_keys;
  owe_removal(*entry);
  // The key's bytes may be the entry's own.
  touched(key.bytes, KeyEvent::kEvicted);
  remove(key, entry);
  return true;
}

bool Database::set_expiry(const KeyRef& key, std::optional<UnixMillis> expiry) {
  Table::Place at;
  Entry* entry = live(key, at);
  if (entry == nullptr) return false;
  entry = Entry::set_expiry(entry, expiry);
  put(key, at, entry);
  freshen(*entry);
  touched(key.bytes, expiry ? KeyEvent::kExpire : KeyEvent::kPersist);
  return true;
}

void Database::copy_from(Database& source, const KeyRef& from, const KeyRef& to, KeyEvent event) {
  const Entry* entry = source.peek(from);
  SKEIN_ASSERT(entry != nullptr);
  Entry* copy = Entry::copy_as(*entry, to.bytes);
  // Also one that has expired and, on a replica, is only hidden.
  if (const auto old = place(to)) remove(to, old.get());
  add(to, copy);
  touched(to.bytes, event);
}

void Database::rename(const KeyRef& from, const KeyRef& to) {
  Entry* entry = take(from);
  if (const auto old = place(to)) remove(to, old.get());
  insert(to, Entry::with_key(entry, to.bytes));
  touched(from.bytes, KeyEvent::kRenameFrom);
  touched(to.bytes, KeyEvent::kRenameTo);
}

void Database::move_from(Database& source, const KeyRef& key) {
  Entry* entry = source.take(key);
  if (const auto old = place(key)) remove(key, old.get());
  insert(key, entry);
  source.touched(key.bytes, KeyEvent::kMoveFrom);
  touched(key.bytes, KeyEvent::kMoveTo);
}

void Database::adopt(const KeyRef& key, OwnedEntry entry, KeyEvent event) {
  // Also one that has expired and, on a replica, is only hidden.
  if (const auto old = place(key)) remove(key, old.get());
  insert(key, entry.release());
  touched(key.bytes, event);
}

void Database::reserve(std::size_t keys) { tables_.reserve(keys, rehash()); }

void Database::shrink_to_fit() { tables_.shrink_to_fit(); }

bool Database::load(const KeyRef& key, OwnedEntry& entry) {
  if (place(key)) return false;
  insert(key, entry.release());
  return true;
}

std::size_t Database::next_used_slot(std::size_t from) const {
  while (from < kSlotCount) {
    const std::size_t group = from >> kGroupBits;
    if (group_keys_[group] == 0) {
      from = (group + 1) << kGroupBits;
    } else if (tables_[from].size() == 0) {
      ++from;
    } else {
      return from;
    }
  }
  return kSlotCount;
}

std::size_t Database::random_slot(bool expiring_only) {
  if (!context_.cluster_mode) return 0;
  const auto& groups = expiring_only ? group_expiring_ : group_keys_;
  const auto keys_of = [&](std::size_t slot) { return expiring_only ? tables_[slot].marked() : tables_[slot].size(); };
  std::uint64_t rank = context_.random.below(expiring_only ? expiring_ : size_);
  std::size_t group = 0;
  while (rank >= groups[group]) rank -= groups[group++];
  std::size_t slot = group << kGroupBits;
  while (rank >= keys_of(slot)) rank -= keys_of(slot++);
  return slot;
}

void Database::sample(std::size_t count, bool expiring_only, const std::function<void(const Entry&)>& visit) {
  // A slot's table may have few keys; and where few keys have an expiry many buckets have none, of which
  // so many are looked at in some ten microseconds.
  constexpr int kTables = 4;
  constexpr std::uint32_t kBuckets = 1024;
  const auto below = [&](std::uint64_t bound) { return context_.random.below(bound); };
  std::size_t seen = 0;
  for (int tables = 0; tables < kTables && seen < count && (expiring_only ? expiring_ : size_) > 0; ++tables) {
    seen += tables_[random_slot(expiring_only)].sample(below, count - seen, kBuckets, expiring_only, visit);
    if (!context_.cluster_mode) return;
  }
}

const Entry* Database::random_entry() {
  // Expired keys are passed over on a replica and removed on a primary; a database full of
  // expired keys is given up on after as many tries as redis makes.
  for (int tries = 0; tries < 100 && size_ > 0; ++tries) {
    const std::size_t slot = random_slot(false);
    const auto below = [&](std::uint64_t bound) { return context_.random.below(bound); };
    const Entry* chosen = nullptr;
    std::uint64_t seen = 0;
    tables_[slot].visit_random_bucket(below, [&](const Entry& entry) {
      if (context_.random.one_in(++seen)) chosen = &entry;
    });
    if (!chosen->expired_at(context_.now)) return chosen;
    if (!context_.delete_expired) {
      if (tries == 99) return chosen;
      continue;
    }
    const std::string key(chosen->key());
    (void)find(ref(key));
  }
  return nullptr;
}

std::uint64_t Database::scan(std::uint64_t cursor, std::size_t count, const std::function<void(const Entry&)>& visit) {
  constexpr int kSlotBits = 14;
  // A sparse table may have long runs of empty buckets: ten looks per key asked for, as redis.
  std::size_t looks = count > SIZE_MAX / 10 ? SIZE_MAX : count * 10;
  std::size_t seen = 0;
  const auto counted = [&](const Entry& entry) {
    ++seen;
    visit(entry);
  };
  std::size_t slot = context_.cluster_mode ? cursor & (kSlotCount - 1) : 0;
  std::uint64_t at = context_.cluster_mode ? cursor >> kSlotBits : cursor;
  while (looks-- > 0 && seen < count) {
    at = tables_[slot].scan_step(at, counted);
    if (at != 0) continue;
    if (!context_.cluster_mode) return 0;
    slot = next_used_slot(slot + 1);
    if (slot == kSlotCount) return 0;
  }
  return context_.cluster_mode ? (at << kSlotBits) | slot : at;
}

void Database::for_each(const std::function<void(const Entry&)>& visit) const {
  for (const auto& table : tables_) {
    if (table.size() > 0) table.for_each(visit);
  }
}

std::size_t Database::count_in_slot(Slot slot) const {
  return context_.cluster_mode ? tables_[slot.value].size() : 0;
}

std::vector<std::string> Database::keys_in_slot(Slot slot, std::size_t limit) const {
  std::vector<std::string> keys;
  if (!context_.cluster_mode) return keys;
  std::uint64_t cursor = 0;
  do {
    cursor = tables_[slot.value].scan_step(cursor, [&](const Entry& entry) {
      if (keys.size() < limit) keys.emplace_back(entry.key());
    });
  } while (cursor != 0 && keys.size() < limit);
  return keys;
}

std::size_t Database::erase_slot(Slot slot) {
  context_.flying.before_losing(slot);
  const auto keys = keys_in_slot(slot, SIZE_MAX);
  for (const auto& key : keys) {
    const KeyRef where{key, hash_key(key, context_.hash_seed), slot};
    const auto at = place(where);
    touched(key, KeyEvent::kDel);
    remove(where, at.get());
  }
  return keys.size();
}

DetachedTables Database::detach_all() {
  TableSet fresh(tables_.count());
  fresh.swap(tables_);
  size_ = expiring_ = 0;
  std::fill(group_keys_.begin(), group_keys_.end(), 0);
  std::fill(group_expiring_.begin(), group_expiring_.end(), 0);
  sweep_slot_ = sweep_bucket_ = 0;
  average_ttl_ = 0;
  return DetachedTables{std::move(fresh)};
}

void Database::swap_content(Database& other) {
  tables_.swap(other.tables_);
  std::swap(size_, other.size_);
  std::swap(expiring_, other.expiring_);
  std::swap(group_keys_, other.group_keys_);
  std::swap(group_expiring_, other.group_expiring_);
  std::swap(average_ttl_, other.average_ttl_);
  sweep_slot_ = sweep_bucket_ = other.sweep_slot_ = other.sweep_bucket_ = 0;
}

std::size_t Database::bucket_count() const {
  if (!context_.cluster_mode) return tables_[0].bucket_count();
  return size_ / 4 + 1;
}

std::size_t Database::expire_some(std::size_t buckets) {
  if (expiring_ == 0 || !context_.delete_expired) return 0;
  std::vector<std::string> expired;
  double ttl_sum = 0;  // two keys may each live to the end of time
  std::int64_t ttl_count = 0;
  const auto look = [&](const Entry& entry) {
    if (entry.expired_at(context_.now)) {
      expired.emplace_back(entry.key());
    } else {
      ttl_sum += static_cast<double>((entry.expiry() - context_.now).count());
      ++ttl_count;
    }
  };
  // One full round at most: whoever calls in a loop decides how often.
  std::size_t slots_left = tables_.count();
  while (buckets > 0 && slots_left > 0) {
    if (context_.cluster_mode && group_expiring_[sweep_slot_ >> kGroupBits] == 0) {
      const std::uint32_t next = ((sweep_slot_ >> kGroupBits) + 1) << kGroupBits;
      slots_left -= std::min<std::size_t>(slots_left, next - sweep_slot_);
      sweep_slot_ = next % kSlotCount;
      sweep_bucket_ = 0;
      continue;
    }
    const Table& here = tables_[sweep_slot_];
    if (here.marked() > 0) {
      const auto step = static_cast<std::uint32_t>(std::min<std::size_t>(buckets, 64));
      const std::uint32_t start = sweep_bucket_;
      sweep_bucket_ = here.sweep_marked(start, step, look);
      buckets -= std::min<std::size_t>(buckets, (sweep_bucket_ != 0 ? sweep_bucket_ : here.bucket_count()) - start);
      if (sweep_bucket_ != 0) continue;
    }
    sweep_bucket_ = 0;
    sweep_slot_ = static_cast<std::uint32_t>((sweep_slot_ + 1) % tables_.count());
    --slots_left;
  }
  if (ttl_count > 0) average_ttl_ = static_cast<std::int64_t>(std::min(ttl_sum / static_cast<double>(ttl_count), 9.2e18));
  for (const auto& key : expired) (void)find(ref(key));
  return expired.size();
}

}  // namespace skein
