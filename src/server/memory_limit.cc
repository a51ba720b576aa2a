#include "memory_limit.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <asio/post.hpp>

#include <skein/base/clock.h>
#include <skein/base/memory.h>

namespace skein {

namespace {

// Keys between two looks at the clock, after which what went is told to replicas.
constexpr int kStep = 16;
// Choices in a row that met no candidate before this is left to a later turn.
constexpr int kFruitless = 64;

}  // namespace

// As redis: in steps of 50 microseconds up to half a millisecond, then 15 % longer with each point.
microseconds eviction_slice(int tenacity) {
  constexpr int kEvenSteps = 10;
  if (tenacity <= kEvenSteps) return microseconds{50 * tenacity};
  if (tenacity >= 100) return std::chrono::hours{24 * 365};
  return microseconds{static_cast<std::int64_t>(500.0 * std::pow(1.15, tenacity - kEvenSteps))};
}

std::optional<EvictionRule> eviction_rule(MaxmemoryPolicy policy, int samples) {
  const auto rule = [&](EvictionOrder order, bool expiring_only) {
    return EvictionRule{.order = order, .expiring_only = expiring_only, .samples = static_cast<std::size_t>(samples)};
  };
  switch (policy) {
    case MaxmemoryPolicy::kVolatileLru: return rule(EvictionOrder::kLeastRecent, true);
    case MaxmemoryPolicy::kVolatileLfu: return rule(EvictionOrder::kLeastFrequent, true);
    case MaxmemoryPolicy::kVolatileRandom: return rule(EvictionOrder::kAny, true);
    case MaxmemoryPolicy::kVolatileTtl: return rule(EvictionOrder::kSoonestExpiry, true);
    case MaxmemoryPolicy::kAllkeysLru: return rule(EvictionOrder::kLeastRecent, false);
    case MaxmemoryPolicy::kAllkeysLfu: return rule(EvictionOrder::kLeastFrequent, false);
    case MaxmemoryPolicy::kAllkeysRandom: return rule(EvictionOrder::kAny, false);
    case MaxmemoryPolicy::kNoEviction: break;
  }
  return std::nullopt;
}

MemoryLimit::MemoryLimit(Parts parts, Hooks hooks)
    : parts_(parts), hooks_(std::move(hooks)), without_keys_(allocated_bytes()) {}

bool MemoryLimit::fits(std::size_t bytes) const {
  const std::size_t limit = parts_.settings.maxmemory;
  if (limit == 0) return true;
  const std::size_t allocated = allocated_bytes();
  const std::size_t used = allocated - std::min(allocated, hooks_.uncounted());
  if (bytes <= limit && used <= limit - bytes) return true;
  if (!hooks_.may_evict()) return true;
  const auto rule = eviction_rule(parts_.settings.maxmemory_policy, parts_.settings.maxmemory_samples);
  if (!rule || bytes > limit) return false;
  const std::size_t of_keys = used - std::min(used, without_keys_);
  return used - std::min(of_keys, most_evictable(parts_.keyspace, *rule)) <= limit - bytes;
}

MemoryVerdict MemoryLimit::make_room() {
  const std::uint64_t limit = parts_.settings.maxmemory;
  if (allocated_bytes() <= limit || !hooks_.may_evict()) return MemoryVerdict::kWithin;
  const std::uint64_t enough = limit + std::min<std::uint64_t>(hooks_.uncounted(), UINT64_MAX - limit);
  if (allocated_bytes() <= enough) return MemoryVerdict::kWithin;
  // Room is coming without anybody losing a key.
  if (hooks_.frees_pending()) return MemoryVerdict::kEvicting;
  return evict(enough);
}

MemoryVerdict MemoryLimit::evict(std::size_t down_to) {
  const auto rule = eviction_rule(parts_.settings.maxmemory_policy, parts_.settings.maxmemory_samples);
  if (!rule) return MemoryVerdict::kNothingToGo;
  const MonoTime begun = read_boot_clock();
  const microseconds slice = eviction_slice(parts_.settings.maxmemory_eviction_tenacity);
  int fruitless = 0;
  int evicted = 0;
  auto verdict = MemoryVerdict::kEvicting;
  for (int looks = 1; fruitless < kFruitless; ++looks) {
    if (looks % kStep == 0) {
      // What is kept to be told takes memory itself.
      if (std::exchange(evicted, 0) > 0) hooks_.evicted();
      if (read_boot_clock() - begun >= slice) break;
    }
    const auto victim = chooser_.next(parts_.keyspace, *rule);
    if (!victim || !victim->db->evict(victim->key)) {
      ++fruitless;
      if (has_candidates(parts_.keyspace, *rule)) continue;
      verdict = MemoryVerdict::kNothingToGo;
      break;
    }
    ++evicted;
    fruitless = 0;
    if (allocated_bytes() > down_to) continue;
    verdict = MemoryVerdict::kWithin;
    break;
  }
  if (evicted > 0) hooks_.evicted();
  // Where no candidate is met, all that are left being on their way elsewhere, the cron comes back to it.
  if (verdict == MemoryVerdict::kEvicting && fruitless < kFruitless) continue_later();
  return verdict;
}

void MemoryLimit::set(MemoryVerdict verdict) {
  if (verdict == verdict_) [[likely]] return;
  const bool refused = refuses();
  verdict_ = verdict;
  const MonoTime now = read_boot_clock();
  if (verdict == MemoryVerdict::kWithin) {
    exceeded_before_ += std::chrono::duration_cast<microseconds>(now - std::exchange(exceeded_since_, {}));
  } else if (exceeded_since_ == MonoTime{}) {
    exceeded_since_ = now;
  }
  if (refuses() != refused) hooks_.changed();
}

void MemoryLimit::apply_settings() {
  if (parts_.settings.maxmemory == 0) {
    set(MemoryVerdict::kWithin);
  } else {
    hold();
  }
}

microseconds MemoryLimit::exceeded_now() const {
  if (exceeded_since_ == MonoTime{}) return {};
  return std::chrono::duration_cast<microseconds>(read_boot_clock() - exceeded_since_);
}

void MemoryLimit::continue_later() {
  if (continues_) return;
  continues_ = true;
  asio::post(parts_.loop, [this, alive = std::weak_ptr(alive_)] {
    if (alive.expired()) return;
    continues_ = false;
    hooks_.turn();
  });
}

}  // namespace skein
