// A replica's election, played instead of held.
//
// Members do not stand for election themselves yet, but they vote, and a vote is where
// safety is lost. So this stands for them, as a redis replica would: when the primary has
// failed it asks for votes in the next epoch, repeats the question while the round lasts
// (rivals ask in the same epoch), and with a majority its host becomes the primary. It
// writes what it asks by itself and believes votes only.
#pragma once

#include <skein/base/ids.h>
#include <skein/base/random.h>
#include <skein/base/time.h>

#include <set>
#include <string>
#include <variant>

#include "event_queue.h"
#include "wire.h"

namespace skein::sim {

class Host;

class Candidate {
 public:
  Candidate(Host& host, std::uint64_t seed) : host_(host), random_(seed + 1) {}

  void on_tick();
  void on_packet(const PacketView& packet);
  void on_process_end() { phase_ = Resting{}; }

 private:
  struct Resting {};
  struct Waiting {
    MonoTime ask_at;
  };
  struct Asking {
    Epoch epoch;
    MonoTime give_up_at;
    MonoTime ask_again_at;
    std::set<std::string> granted_by;
  };

  [[nodiscard]] bool has_reason() const;
  void begin_round(Epoch epoch);
  void meet_rival(Epoch epoch);
  void ask(const Asking& round);

  Host& host_;
  Random random_;
  std::variant<Resting, Waiting, Asking> phase_;
  Epoch highest_asked_;  // kept over restarts: its own promise not to ask twice
};

}  // namespace skein::sim
