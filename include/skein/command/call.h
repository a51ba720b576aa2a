// One call of a command: where it comes from, its arguments, and what its handler may use.
//
// There is one call path. A client, EXEC, and later a script, a replication stream or an
// append-only file only differ in `origin` and in who reads the reply.
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>

#include <skein/base/ids.h>
#include <skein/base/time.h>
#include <skein/command/command.h>
#include <skein/keyspace/keyspace.h>
#include <skein/resp/reply_errors.h>
#include <skein/resp/reply_writer.h>
#include <skein/session/session.h>

namespace skein {

struct Services;  // skein/commands/services.h: what handlers of all families share

enum class CallOrigin : std::uint8_t { kClient, kTransaction, kPrimary };

// Takes the effects of writes in their deterministic form, once each and in order. Null
// where nobody listens.
class EffectSink {
 public:
  virtual ~EffectSink() = default;
  // The first word is a command's original name. Whoever follows is told the name it has on this node (rename-command).
  virtual void add(int db, std::span<const std::string_view> arguments) = 0;
  // A call as a client here made it: its name is this node's already.
  virtual void add_call(int db, std::span<const std::string_view> arguments) { add(db, arguments); }
  // The effects between these two leave together or not at all. Units do not nest.
  virtual void begin_unit() = 0;
  virtual void end_unit() = 0;
  // Where the stream of effects ends now: what a writer has to see acknowledged (WAIT).
  [[nodiscard]] virtual ReplOffset position() const { return {}; }
};

// Removals that no command asked for (keys that had expired, or were evicted), owed since the last
// effect: they leave before what follows them.
void tell_owed_removals(KeyspaceContext& context, EffectSink& effects);

struct Call {
  std::span<const std::string_view> arguments;  // [0] is the name
  const Command& command;
  Session& session;
  ReplyWriter& reply;
  Keyspace& keyspace;
  Services& services;
  Now now;
  CallOrigin origin = CallOrigin::kClient;
  // The first key's hash and slot, known from preparing the call; 0 position: not known.
  std::uint16_t hinted_position = 0;
  Slot hinted_slot{};
  std::uint64_t hinted_hash = 0;
  EffectSink* effects = nullptr;
  std::uint64_t secrets = 0;  // a bit per argument position that SLOWLOG must not show
  bool propagated = false;  // the handler gave its own effect, or none
  bool suspended = false;

  // No argument below this size lies in memory of its own.
  static constexpr std::size_t kLargeArgument = 16 * 1024;

  [[nodiscard]] std::size_t size() const { return arguments.size(); }
  [[nodiscard]] std::string_view arg(std::size_t i) const { return arguments[i]; }
  [[nodiscard]] Database& db() const { return keyspace.db(session.db); }
  // The key at an argument position, with its hash.
  [[nodiscard]] KeyRef key(std::size_t position) const {
    if (position == hinted_position) return {arguments[position], hinted_hash, hinted_slot};
    return db().ref(arguments[position]);
  }
  // The memory of an argument that may become a value without being copied; nothing unless it is large. To be
  // asked for when it is certain that the value is stored: the argument's bytes must live on.
  [[nodiscard]] OwnedBytes take(std::size_t position) const {
    if (arguments[position].size() < kLargeArgument || session.peer() == nullptr) [[likely]] return {};
    return session.peer()->take_argument(arguments[position]);
  }
  // Whole-number argument; writes redis's refusal and returns nothing if it is none.
  [[nodiscard]] std::optional<std::int64_t> integer(std::size_t position,
                                                    std::string_view refusal = errors::kNotInteger);
  // Whether argument `position` is this word, in any case. `word` is given in lower case.
  [[nodiscard]] bool is_word(std::size_t position, std::string_view word) const;

  // This argument is a password. Positions beyond the 64th are not shown anyway.
  void keep_secret(std::size_t position) {
    if (position < 64) secrets |= std::uint64_t{1} << position;
  }

  // What replicas and the append-only file get instead of the call itself. Several may be
  // given; they leave in this order. Call it once the change has been made.
  void propagate(std::initializer_list<std::string_view> arguments);
  // Nothing is to be propagated although something changed.
  void propagate_nothing() { propagated = true; }

  // The call answers later: it is kept with its arguments, nothing further of this
  // connection is executed, and the reply is written when it is resumed or ended.
  void suspend(SuspendReason reason);
};

}  // namespace skein
