// Slots that change hands under traffic, step by step as redis-cli moves them, and the repair
// of what a crash left half done, as its fix does.
#pragma once

#include <skein/base/random.h>

#include <memory>
#include <vector>

#include "sim.h"

namespace skein::sim {

class SlotMoves {
 public:
  SlotMoves(Sim& sim, std::uint64_t seed) : sim_(sim), random_(seed) {}

  // Begins to move it: open at both ends, its keys one by one, given away at the target, at
  // the source, at all others. Whoever refuses or does not answer ends it where it is.
  void begin(Slot slot, HostId from, HostId to);
  [[nodiscard]] std::size_t under_way() const { return under_way_; }

  // Puts right what is left open: keys that are not with their slot's owner are taken there
  // (the owner's own copy counts), open slots are closed. False when something refused.
  bool fix();

 private:
  struct Move {
    Slot slot;
    HostId from;
    HostId to;
    int attempts_left = 3;
    std::uint64_t target_starts = 0;  // when the slot was given to it
  };
  using MovePtr = std::shared_ptr<Move>;

  void later(const MovePtr& move, void (SlotMoves::*step)(const MovePtr&));
  void open(const MovePtr& move);
  void move_next_key(const MovePtr& move);
  void give_to_target(const MovePtr& move);
  // Its answer comes once the change is saved.
  void await_target(const MovePtr& move);
  void give_at_source(const MovePtr& move);
  void give_at_others(const MovePtr& move);
  void end(const MovePtr& move, const char* how);
  // How the slot's keys look to GETKEYSINSLOT there; nothing when there is no answer.
  [[nodiscard]] const Dataset::Keys* keys_at(HostId host, Slot slot) const;
  bool take_keys_home(Slot slot, Host& owner);
  bool close_slot(Slot slot, Host& host);

  Sim& sim_;
  Random random_;
  std::size_t under_way_ = 0;
};

}  // namespace skein::sim
