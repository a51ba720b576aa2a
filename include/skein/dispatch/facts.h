// What the gates ask about the node, as plain facts. `server` refreshes them once a turn.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <skein/base/time.h>
#include <skein/command/command.h>
#include <skein/session/session.h>

namespace skein {

// Whether a call with keys may run here; asked only in cluster mode.
class Router {
 public:
  virtual ~Router() = default;
  // Nothing to serve it; else the error reply (MOVED, ASK, CROSSSLOT, ...) without `-`.
  [[nodiscard]] virtual std::optional<std::string> refuse(const Command& command,
                                                          std::span<const std::string_view> arguments,
                                                          const Session& session) = 0;
  // The same for all calls of a transaction together.
  [[nodiscard]] virtual std::optional<std::string> refuse_transaction(const Transaction& transaction,
                                                                      const Session& session) = 0;
};

struct NodeFacts {
  // Gates the node shuts (skein/session/gates.h).
  std::uint32_t gates = 0;
  Now now;
  // Cluster mode: one byte a slot, 1 where this node serves every request at once (its own
  // slot, not moving, cluster up). Anything else asks the router.
  const std::uint8_t* served_slots = nullptr;
  Router* router = nullptr;
  // Asked before a call is refused for lack of memory: what ran since the gate was shut may have made
  // room, and some may be made now by evicting keys. Not set: the gate's word stands.
  std::function<bool()> is_memory_short;
  // Asked for a call that takes much: whether so many bytes more, and so many of them in one piece, cannot be
  // had whatever is evicted. Changes nothing, so that handlers may ask. Not set: nobody takes much.
  std::function<bool(std::size_t bytes, std::size_t in_one_piece)> lacks_room;
  // Calls that take less than this are small beside what is not counted to the byte anyway.
  static constexpr std::size_t kMuch = 16 * 1024;
  MonoTime pause_until{};  // for kPauseWrite and kPauseAll
  bool debug_for_local = false;
  // Slower calls than this are kept by the slowlog; all of them at 0, none at UINT64_MAX.
  std::uint64_t slow_ticks = UINT64_MAX;
  double ticks_per_micro = 1000;
};

}  // namespace skein
