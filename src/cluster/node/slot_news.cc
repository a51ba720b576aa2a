#include "slot_news.h"

#include <algorithm>

namespace skein {

namespace {

constexpr seconds kBetweenSums{1};

}  // namespace

void SlotNews::add(const SlotChange& change) {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.sum.is_alike(change); });
  if (found == entries_.end()) {
    entries_.push_back({change});
    return;
  }
  SlotChange& sum = found->sum;
  change.slots.for_each([&](Slot slot) { sum.slots.set(slot); });
  sum.keys += change.keys;
  sum.from_epoch = change.from_epoch;
  sum.to_epoch = change.to_epoch;
  sum.own = sum.own || change.own;
  found->waits = true;
}

std::vector<SlotChange> SlotNews::take_due(MonoTime now) {
  std::vector<SlotChange> due;
  for (Entry& entry : entries_) {
    const bool is_quiet = entry.told_at == MonoTime{} || now - entry.told_at >= kBetweenSums;
    if (!entry.waits || !is_quiet) continue;
    due.push_back(entry.sum);
    entry.sum.slots = {};
    entry.sum.keys = 0;
    entry.told_at = now;
    entry.waits = false;
  }
  std::erase_if(entries_, [&](const Entry& entry) { return !entry.waits && now - entry.told_at >= kBetweenSums; });
  return due;
}

}  // namespace skein
