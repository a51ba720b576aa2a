// The one way from a request to its handler: the gates in redis's order, the call, its
// statistics and its effect.
//
// Requests are prepared in batches (command, key hash, slot, prefetches) and then
// dispatched in order. What preparing found is a hint; every decision is taken when the
// request runs.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <skein/command/call.h>
#include <skein/command/key_finder.h>
#include <skein/dispatch/facts.h>
#include <skein/stats/command_stats.h>
#include <skein/stats/slowlog.h>

namespace skein {

// One request of a batch. The arguments must live until it has been dispatched.
struct Prepared {
  std::span<const std::string_view> arguments;
  const Command* command = nullptr;  // null: unknown
  std::uint64_t hash = 0;
  Slot slot{};
  bool hinted = false;  // hash and slot are those of the first key
};

// A call that was suspended, and whose answer has now been written by what it waited for.
struct ConcludedCall {
  const Command& command;
  std::span<const std::string_view> arguments;  // empty: nobody knows them any more
  std::uint64_t secrets = 0;                    // as Call::secrets
  Ticks began = 0;
  const Session* session = nullptr;             // null: it has gone
  std::string_view error_code;                  // empty: none
};

enum class Dispatched : std::uint8_t { kDone, kSuspended };

class Dispatcher {
 public:
  struct Parts {
    const CommandTable& commands;
    Keyspace& keyspace;
    Services& services;
    CommandStats& stats;
    Slowlog& slowlog;
    const NodeFacts& facts;
  };
  explicit Dispatcher(Parts parts) : parts_(parts) {}

  // What can be known of a request before it runs; begins to fetch its key's place.
  void prepare(Prepared& request, int db) const {
    request.command = parts_.commands.resolve(request.arguments);
    hint(request, db);
  }
  // The same for what a server sends: it may also use the original name of a command that has another one here, or none.
  void prepare_original(Prepared& request, int db) const {
    request.command = parts_.commands.resolve_original(request.arguments);
    hint(request, db);
  }

  // The clock for the calls that follow starts now.
  void begin_batch() { ticks_ = read_ticks(); }
  [[nodiscard]] Ticks ticks() const { return ticks_; }

  // Runs a request through the gates, or refuses it. The reply is in the session's output
  // unless the call was suspended.
  Dispatched dispatch(Session& session, const Prepared& request);
  // Runs a command of the primary's stream: no gate of the node stands in its way, and its
  // effects are not handed on, as the stream itself is. The replies are the caller's to drop. There is
  // such a command, and it takes so many arguments.
  void apply(Session& primary, const Prepared& request);
  // Runs a suspended call once more, through all gates.
  Dispatched resume(Session& session);
  // Runs the queued calls of a transaction, each with its reply, as one unit of effects.
  void run_transaction(Session& session, ReplyWriter& reply);

  void set_effects(EffectSink* sink) { effects_ = sink; }
  // An effect that comes when its call is no longer under way; the session, if it is still there, has written it.
  void tell(int db, std::span<const std::string_view> effect, Session* session);
  // Of a call that was answered late: the error, and its time from the beginning to now if that was long. That it
  // has run was counted when it was suspended.
  void conclude(const ConcludedCall& call);
  // Whether calls were suspended because of keys in flight since this was last asked.
  [[nodiscard]] bool take_flight_awaited() { return std::exchange(flight_awaited_, false); }

 private:
  enum class Passed : std::uint8_t { kRun, kAnswered, kSuspended };

  [[gnu::always_inline]] void hint(Prepared& request, int db) const {
    const Command* command = request.command;
    request.hinted = command != nullptr && command->first_key != 0 && command->first_key < request.arguments.size();
    if (!request.hinted) return;
    const std::string_view key = request.arguments[command->first_key];
    const KeyRef ref = parts_.keyspace.db(db).ref(key);
    request.hash = ref.hash;
    request.slot = ref.slot;
    // In cluster mode the slot's table comes first; its bucket is fetched with the batch.
    if (parts_.facts.served_slots != nullptr) {
      parts_.keyspace.db(db).prefetch_head(ref);
    } else {
      parts_.keyspace.db(db).prefetch_bucket(ref);
    }
  }

  Passed pass_gates(Session& session, const Prepared& request, std::uint32_t shut);
  // What the keyspace may grow by, as far as arguments tell.
  [[nodiscard]] static std::size_t bytes_to_take(const Session& session, const Prepared& request) {
    if (request.command->is(flag::kExecutes)) return session.transaction ? session.transaction->bytes_to_keep : 0;
    std::size_t bytes = 0;
    for (const std::string_view argument : request.arguments) bytes += argument.size();
    return bytes;
  }
  [[nodiscard]] bool has_room(std::size_t bytes) const {
    const NodeFacts& facts = parts_.facts;
    if ((facts.gates & gate::kMemory) != 0 && (!facts.is_memory_short || facts.is_memory_short())) return false;
    return bytes < NodeFacts::kMuch || !facts.lacks_room || !facts.lacks_room(bytes, bytes);
  }
  [[nodiscard]] EffectSink* effects() const { return applying_ ? nullptr : effects_; }
  void queue(Session& session, const Prepared& request);
  Dispatched run(Session& session, const Prepared& request, CallOrigin origin);
  void reject(Session& session, const Command* command, std::string_view error);
  void redirect(Session& session, const Command& command, std::string_view error);
  [[nodiscard]] std::optional<std::string> route(const Session& session, const Prepared& request) const;
  void note_slow(std::span<const std::string_view> arguments, std::uint64_t secrets, const Session& session, Ticks took);
  // Whether the call, or EXEC one of its calls, touches a key in flight.
  [[nodiscard]] bool touches_flight(const Session& session, const Prepared& request);
  [[nodiscard]] bool finds_flight(const Command& command, std::span<const std::string_view> arguments, int db);
  void after_errors(const Session& session, const Command& command);

  Parts parts_;
  EffectSink* effects_ = nullptr;
  bool applying_ = false;  // a command of the primary's stream
  bool flight_awaited_ = false;
  std::vector<FoundKey> found_;           // for their memory
  std::vector<std::string_view> views_;
  std::uint64_t transaction_errors_ = 0;  // of the calls of the EXEC that just ran
  Ticks ticks_ = 0;
};

}  // namespace skein
