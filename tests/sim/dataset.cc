#include "dataset.h"

#include <fmt/format.h>

#include <algorithm>

namespace skein::sim {

const Dataset::Keys& Dataset::keys(Slot slot) const {
  static const Keys kNone;
  const auto found = slots_.find(slot);
  return found == slots_.end() ? kNone : found->second;
}

KeyValue Dataset::value(Slot slot, KeyNumber key) const {
  const Keys& here = keys(slot);
  const auto found = here.find(key);
  return found == here.end() ? 0 : found->second;
}

void Dataset::put(const Change& change) {
  if (change.value != 0) {
    total_ += slots_[change.slot].insert_or_assign(change.key, change.value).second ? 1 : 0;
    return;
  }
  const auto here = slots_.find(change.slot);
  if (here == slots_.end()) return;
  total_ -= here->second.erase(change.key);
  if (here->second.empty()) slots_.erase(here);
}

void Dataset::apply(const Change& change) {
  put(change);
  offset_ = offset_ + kChangeBytes;
  changes_.push_back(change);
  if (changes_.size() > kKeptChanges) changes_.pop_front();
}

void Dataset::clear() {
  slots_.clear();
  total_ = 0;
}

void Dataset::begin_history(std::uint64_t name, bool goes_on_from_the_last) {
  last_history_ = goes_on_from_the_last ? history_ : 0;
  last_history_end_ = offset_;
  if (!goes_on_from_the_last) changes_.clear();
  history_ = name;
}

void Dataset::join_history(std::uint64_t name) {
  if (name == history_) return;
  begin_history(name, true);
}

std::optional<std::vector<Change>> Dataset::changes_since(std::uint64_t history, ReplOffset offset) const {
  const bool is_known = history == history_ ||
                        (history != 0 && history == last_history_ && offset <= last_history_end_);
  const std::int64_t behind = offset_ - offset;
  const auto missing = static_cast<std::size_t>(behind / kChangeBytes);
  if (!is_known || behind < 0 || missing > changes_.size()) return std::nullopt;
  return std::vector<Change>(changes_.end() - static_cast<std::ptrdiff_t>(missing), changes_.end());
}

std::vector<Change> Dataset::contents() const {
  std::vector<Change> all;
  for (const auto& [slot, keys] : slots_) {
    for (const auto& [key, value] : keys) all.push_back({value, key, slot});
  }
  return all;
}

void Dataset::replace(std::uint64_t history, ReplOffset offset, const std::vector<Change>& contents) {
  *this = {};
  for (const Change& change : contents) put(change);
  history_ = history;
  offset_ = offset;
}

std::optional<std::string> find_difference(const Dataset& a, const Dataset& b) {
  for (const auto* some : {&a, &b}) {
    for (const auto& [slot, keys] : some->slots()) {
      for (const auto& [key, value] : keys) {
        if (a.value(slot, key) == b.value(slot, key)) continue;
        return fmt::format("key {} of slot {} is {} and {}", key, slot.value, a.value(slot, key),
                           b.value(slot, key));
      }
    }
  }
  return std::nullopt;
}

}  // namespace skein::sim
