// Writers that go on writing through everything: each has keys of its own and one request
// at a time, sends it to whom it takes for the owner, and learns from refusals.
//
// A client is at no place that a cut could separate from a node: it reaches the minority too,
// which is what has to be guarded against. A process that is killed refuses it, one that
// is paused or without power says nothing.
#pragma once

#include <skein/base/random.h>

#include <map>
#include <memory>
#include <vector>

#include "sim.h"

namespace skein::sim {

class Clients {
 public:
  Clients(Sim& sim, std::uint64_t seed, std::vector<Slot> slots);

  // Each of `count` writes, waits for the answer, and thinks for a while.
  void start(std::uint32_t count, nanoseconds least_pause = milliseconds{30},
             nanoseconds most_pause = milliseconds{150});
  void stop() { is_stopped_ = true; }
  // Writes a key that nobody writes again, to each slot; false when one was not acknowledged.
  bool put_to_rest(KeyNumber keys_each);

 private:
  struct Writer {
    KeyNumber key = 0;
    KeyValue value = 0;
    std::uint64_t request = 0;  // the one it waits for
    std::map<Slot, HostId> owners;
  };

  void write_next(Writer& writer);
  void send(Writer& writer, Slot slot, HostId to, bool asking, int redirections);
  void on_reply(Writer& writer, Slot slot, const WriteReply& reply, int redirections);
  void think(Writer& writer);
  [[nodiscard]] HostId any_host();
  [[nodiscard]] HostId find_host(const NodeId& id);

  Sim& sim_;
  Random random_;
  std::vector<Slot> slots_;
  std::vector<std::unique_ptr<Writer>> writers_;
  nanoseconds least_pause_{0};
  nanoseconds most_pause_{0};
  bool is_stopped_ = false;
};

}  // namespace skein::sim
