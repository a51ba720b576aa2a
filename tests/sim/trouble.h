// Faults by chance: what goes wrong in a seed, when, and for how long.
#pragma once

#include <skein/base/random.h>

#include <vector>

#include "sim.h"
#include "slot_moves.h"

namespace skein::sim {

class Trouble {
 public:
  // Each seed knows some kinds only: what a rare mixture does would drown in all of them.
  // A storm is failures of primaries and nothing else. Heirs: replicas change whom they follow, and have no copy of
  // it yet when it fails, too.
  enum class Mixture { kAnything, kFailovers, kStorm, kHeirs };
  Trouble(Sim& sim, std::uint64_t seed, Mixture mixture = Mixture::kAnything);
  Trouble(Sim& sim, std::uint64_t seed, std::vector<FaultKind> kinds);

  // Faults begin at random moments of `span` from now. Each ends by itself or with Sim::heal.
  void plan(std::uint32_t count, nanoseconds span);
  [[nodiscard]] SlotMoves& moves() { return moves_; }

 private:
  void strike(FaultKind kind);
  void stop_for_a_while(FaultKind kind, Host& victim);
  void lose_power_amid_save();
  void kill_after_vote();
  void cut_for_a_while(FaultKind kind);
  void worsen_weather(FaultKind kind);
  void break_links();
  void stall_links();
  void jump_clock();
  void hamper_disk(FaultKind kind);
  void move();
  void bump_epochs();
  void send_strange_packets();
  void send_malformed_packets();
  void stop_several_primaries();
  void stop_before_lagging_replica();
  void fail_over();
  void hand_over();
  void restart_empty();
  void cut_minority();
  void cut_replication();
  void move_replica();
  void move_slot();

  [[nodiscard]] std::vector<Host*> running_primaries();
  [[nodiscard]] Host& any_victim();
  [[nodiscard]] Host& any_host();
  [[nodiscard]] Host* any_primary();
  [[nodiscard]] nanoseconds draw_span();
  void start_later(Host& host, nanoseconds delay);

  Sim& sim_;
  Random random_;
  bool prefers_primaries_ = false;
  std::vector<FaultKind> kinds_;
  SlotMoves moves_;
  std::uint32_t next_address_ = 200 * 256;  // of hosts that move
};

}  // namespace skein::sim
