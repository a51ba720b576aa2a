// Which key goes next when memory is short.
//
// Not all keys are compared: each choice looks at a few that chance picks, and remembers the best
// candidates seen so far, so that it comes near the best of all for the price of a few. Nothing is
// removed here, and when memory is short is decided elsewhere.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include <skein/keyspace/keyspace.h>

namespace skein {

enum class EvictionOrder : std::uint8_t {
  kLeastRecent,    // by the access clock, which then counts seconds
  kLeastFrequent,  // by the access clock, which then counts uses
  kSoonestExpiry,
  kAny,
};

struct EvictionRule {
  EvictionOrder order = EvictionOrder::kAny;
  bool expiring_only = false;  // keys without an expiry are safe
  std::size_t samples = 5;     // keys to look at for each choice
  friend bool operator==(const EvictionRule&, const EvictionRule&) = default;
};

struct Victim {
  Database* db;
  KeyRef key;  // good until the database changes
};

// Whether the rule lets any key go.
[[nodiscard]] bool has_candidates(const Keyspace& keyspace, const EvictionRule& rule);

// How many bytes all keys that the rule lets go take at most, as far as a look at some of them tells.
[[nodiscard]] std::size_t most_evictable(Keyspace& keyspace, const EvictionRule& rule);

class VictimChooser {
 public:
  // Nothing: no candidate was met. There may be others: keys with an expiry may be few among many.
  // Keys that are on their way to another node are passed by.
  [[nodiscard]] std::optional<Victim> next(Keyspace& keyspace, const EvictionRule& rule);

 private:
  // Enough for a good key to be found again after worse ones; searched in one go.
  static constexpr std::size_t kRemembered = 16;
  struct Candidate {
    std::uint64_t urgency = 0;
    int db = 0;
    KeyRef where;                  // its hash and slot; of keys no copy is kept, they may be large
    const Entry* entry = nullptr;  // to be found again by; it may have been freed since
  };

  [[nodiscard]] static std::optional<Victim> any(Keyspace& keyspace, Database& db, const EvictionRule& rule);
  void look_at_some(Database& db);
  void remember(const Database& db, const Entry& entry);
  [[nodiscard]] std::optional<Victim> judge_again(Keyspace& keyspace, const Candidate& candidate) const;
  [[nodiscard]] std::uint64_t urgency(const Database& db, const Entry& entry) const;

  EvictionRule rule_;
  std::array<Candidate, kRemembered> pool_;  // the first `size_`, in no order
  std::size_t size_ = 0;
};

}  // namespace skein
