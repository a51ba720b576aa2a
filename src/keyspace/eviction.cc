#include <skein/keyspace/eviction.h>

#include <algorithm>
#include <utility>

namespace skein {

namespace {

std::size_t candidates(const Database& db, bool expiring_only) { return expiring_only ? db.expiring() : db.size(); }

std::size_t candidates(const Keyspace& keyspace, bool expiring_only) {
  std::size_t sum = 0;
  for (int i = 0; i < keyspace.count(); ++i) sum += candidates(keyspace.db(i), expiring_only);
  return sum;
}

// One of the databases, by the number of their candidates; null when there are none.
Database* random_database(Keyspace& keyspace, bool expiring_only) {
  const std::size_t all = candidates(keyspace, expiring_only);
  if (all == 0) return nullptr;
  std::uint64_t rank = keyspace.context().random.below(all);
  int at = 0;
  while (rank >= candidates(keyspace.db(at), expiring_only)) rank -= candidates(keyspace.db(at++), expiring_only);
  return &keyspace.db(at);
}

bool is_flying(const Keyspace& keyspace, const KeyRef& key) {
  const FlyingKeys& flying = keyspace.context().flying;
  return !flying.empty() && flying.has(key);
}

}  // namespace

bool has_candidates(const Keyspace& keyspace, const EvictionRule& rule) {
  return candidates(keyspace, rule.expiring_only) > 0;
}

// All of them may go where no key is safe: how large they are need not be known then. Otherwise as if all
// were as large as the largest of those that chance picks.
std::size_t most_evictable(Keyspace& keyspace, const EvictionRule& rule) {
  if (!has_candidates(keyspace, rule)) return 0;
  if (!rule.expiring_only) return SIZE_MAX;
  constexpr std::size_t kLook = 64;
  std::size_t sum = 0;
  for (int i = 0; i < keyspace.count(); ++i) {
    std::size_t largest = 0;
    keyspace.db(i).sample(kLook, true, [&](const Entry& entry) { largest = std::max(largest, entry.memory()); });
    // What sampling does not find is there nevertheless.
    if (largest == 0 && keyspace.db(i).expiring() > 0) return SIZE_MAX;
    sum += largest * keyspace.db(i).expiring();
  }
  return sum;
}

std::optional<Victim> VictimChooser::next(Keyspace& keyspace, const EvictionRule& rule) {
  // What was remembered by another rule means nothing now.
  if (rule != std::exchange(rule_, rule)) size_ = 0;
  Database* db = random_database(keyspace, rule.expiring_only);
  if (db == nullptr) return std::nullopt;
  if (rule.order == EvictionOrder::kAny) {
    const auto victim = any(keyspace, *db, rule);
    if (victim && is_flying(keyspace, victim->key)) return std::nullopt;
    return victim;
  }
  look_at_some(*db);
  while (size_ > 0) {
    const auto begin = pool_.begin();
    const auto best = std::max_element(begin, begin + static_cast<std::ptrdiff_t>(size_),
                                       [](const auto& a, const auto& b) { return a.urgency < b.urgency; });
    std::swap(*best, pool_[--size_]);
    if (const auto victim = judge_again(keyspace, pool_[size_])) return victim;
  }
  return std::nullopt;
}

std::optional<Victim> VictimChooser::any(Keyspace& keyspace, Database& db, const EvictionRule& rule) {
  Random& random = keyspace.context().random;
  const Entry* chosen = nullptr;
  std::uint64_t seen = 0;
  db.sample(1, rule.expiring_only, [&](const Entry& entry) {
    if (random.one_in(++seen)) chosen = &entry;
  });
  if (chosen == nullptr) return std::nullopt;
  return Victim{&db, db.ref(chosen->key())};
}

void VictimChooser::look_at_some(Database& db) {
  db.sample(rule_.samples, rule_.expiring_only, [&](const Entry& entry) { remember(db, entry); });
}

void VictimChooser::remember(const Database& db, const Entry& entry) {
  const std::uint64_t urgent = urgency(db, entry);
  std::size_t place = size_;
  if (size_ < kRemembered) {
    ++size_;
  } else {
    const auto worst = std::min_element(pool_.begin(), pool_.end(),
                                        [](const auto& a, const auto& b) { return a.urgency < b.urgency; });
    if (urgent <= worst->urgency) return;
    place = static_cast<std::size_t>(worst - pool_.begin());
  }
  KeyRef where = db.ref(entry.key());
  where.bytes = {};
  pool_[place] = {.urgency = urgent, .db = db.index(), .where = where, .entry = &entry};
}

// Since it was remembered it may have gone, been used or been given another expiry: only what has
// become no less urgent is still one of the best. Rarely used and soon over stays so by itself.
std::optional<Victim> VictimChooser::judge_again(Keyspace& keyspace, const Candidate& candidate) const {
  Database& db = keyspace.db(candidate.db);
  const Entry* entry = db.find_again(candidate.where, candidate.entry);
  if (entry == nullptr || (rule_.expiring_only && !entry->has_expiry())) return std::nullopt;
  KeyRef key = candidate.where;
  key.bytes = entry->key();
  if (urgency(db, *entry) < candidate.urgency || is_flying(keyspace, key)) return std::nullopt;
  return Victim{&db, key};
}

std::uint64_t VictimChooser::urgency(const Database& db, const Entry& entry) const {
  switch (rule_.order) {
    case EvictionOrder::kLeastRecent: return static_cast<std::uint64_t>(db.idle_time(entry).count());
    case EvictionOrder::kLeastFrequent: return 255 - db.frequency(entry);
    case EvictionOrder::kSoonestExpiry: return ~static_cast<std::uint64_t>(entry.expiry().value);
    case EvictionOrder::kAny: break;
  }
  return 0;
}

}  // namespace skein
