// How slots that change hands get into the log: the first ones of a kind at once, and while more of it come a sum
// each second. A reshard is thousands of such changes, each an input of its own.
//
// A value: what has changed and how it is worded is told elsewhere (decisions.cc).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <skein/base/ids.h>
#include <skein/base/time.h>
#include <skein/cluster/topology/slot_bitmap.h>

namespace skein {

// Slots that went one way, for one reason.
struct SlotChange {
  std::string_view verdict;
  NodeId from;
  NodeId to;
  Epoch from_epoch;
  Epoch to_epoch;
  bool own = false;  // this node's shard has gained or lost them
  SlotBitmap slots;
  std::uint64_t keys = 0;

  [[nodiscard]] bool is_alike(const SlotChange& other) const {
    return verdict == other.verdict && from == other.from && to == other.to;
  }
};

class SlotNews {
 public:
  void add(const SlotChange& change);
  // What is to be told now. To be asked after each input and each tick.
  [[nodiscard]] std::vector<SlotChange> take_due(MonoTime now);

 private:
  struct Entry {
    SlotChange sum;
    MonoTime told_at{};  // when its kind was last told
    bool waits = true;
  };
  std::vector<Entry> entries_;
};

}  // namespace skein
