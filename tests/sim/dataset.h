// What a simulated node holds: numbers under keys, by slot, and the history that made them.
//
// A history is a name and an offset, as in replication: two nodes with the same pair hold the
// same keys. The last changes are kept, so that a replica that missed a few need not copy all.
#pragma once

#include <skein/base/ids.h>

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace skein::sim {

using KeyNumber = std::uint32_t;
// Of a key; grows with every write to it, and 0 says that the key is not there.
using KeyValue = std::uint64_t;

struct Change {
  KeyValue value = 0;
  KeyNumber key = 0;
  Slot slot;
};
// How far the offset goes for each change.
inline constexpr std::int64_t kChangeBytes = 32;

class Dataset {
 public:
  using Keys = std::map<KeyNumber, KeyValue>;

  [[nodiscard]] const Keys& keys(Slot slot) const;
  [[nodiscard]] KeyValue value(Slot slot, KeyNumber key) const;
  [[nodiscard]] std::uint64_t total_keys() const { return total_; }
  [[nodiscard]] const std::map<Slot, Keys>& slots() const { return slots_; }

  void apply(const Change& change);
  void clear();

  [[nodiscard]] std::uint64_t history() const { return history_; }
  [[nodiscard]] ReplOffset offset() const { return offset_; }
  // A new name from here on. A promoted replica still knows the one it had until now.
  void begin_history(std::uint64_t name, bool goes_on_from_the_last);
  void join_history(std::uint64_t name);
  // What who holds this much is missing; nothing when it must copy all.
  [[nodiscard]] std::optional<std::vector<Change>> changes_since(std::uint64_t history, ReplOffset offset) const;

  [[nodiscard]] std::vector<Change> contents() const;
  void replace(std::uint64_t history, ReplOffset offset, const std::vector<Change>& contents);

 private:
  static constexpr std::size_t kKeptChanges = 2000;

  void put(const Change& change);

  std::map<Slot, Keys> slots_;
  std::uint64_t total_ = 0;
  std::uint64_t history_ = 0;
  ReplOffset offset_;
  std::uint64_t last_history_ = 0;  // 0: none
  ReplOffset last_history_end_;
  std::deque<Change> changes_;  // the last ones, up to offset_
};

// The first difference, in words.
[[nodiscard]] std::optional<std::string> find_difference(const Dataset& a, const Dataset& b);

}  // namespace skein::sim
