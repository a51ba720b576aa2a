#include <skein/dispatch/dispatcher.h>

#include <algorithm>

#include <skein/base/text.h>

namespace skein {

namespace {

constexpr std::size_t kShown = 128;

// As much of a word as redis's formatting shows: up to a zero byte, and not more than `limit`.
std::string_view shown(std::string_view word, std::size_t limit = kShown) {
  return word.substr(0, std::min(limit, word.find('\0')));
}

// "unknown command 'x', with args beginning with: 'a' 'b' ": both cut as redis cuts them.
std::string unknown_command(const CommandTable& commands, std::span<const std::string_view> arguments) {
  const Command* container = commands.find(arguments[0]);
  if (container != nullptr) {
    return fmt::format("ERR unknown subcommand '{}'. Try {} HELP.", shown(arguments[1]), to_upper(container->called));
  }
  std::string rest;
  for (std::size_t i = 1; i < arguments.size() && rest.size() < kShown; ++i) {
    rest += fmt::format("'{}' ", shown(arguments[i], kShown - rest.size()));
  }
  return fmt::format("ERR unknown command '{}', with args beginning with: {}", shown(arguments[0]), rest);
}

// EXECABORT quotes this error without its code, and others with it.
std::string wrong_arity(const Command& command) {
  std::string error = errors::wrong_arity(command.name);
  return command.is(flag::kExecutes) ? error.substr(error.find(' ') + 1) : error;
}

}  // namespace

Dispatched Dispatcher::dispatch(Session& session, const Prepared& request) {
  const Command* command = request.command;
  session.last_command = command;
  if (command == nullptr || !command->takes(request.arguments.size())) [[unlikely]] {
    if (command == nullptr && session.replica != nullptr && session.replica->is_replica()) {
      // An answer that names the word unknown would end the link: it says how far it is each second.
      Prepared original = request;
      prepare_original(original, session.db);
      if (original.command != nullptr && original.command->is(flag::kSaidByReplicas)) return dispatch(session, original);
    }
    session.begin_reply();
    reject(session, command,
           command == nullptr ? unknown_command(parts_.commands, request.arguments) : wrong_arity(*command));
    session.end_reply();
    session.asked_again = false;
    session.end_asking();
    ticks_ = read_ticks();
    return Dispatched::kDone;
  }
  std::uint32_t shut = command->gates & (parts_.facts.gates | session.gates());
  // Whether much can be had is asked each time.
  if ((command->gates & gate::kMemory) != 0 && bytes_to_take(session, request) >= NodeFacts::kMuch) [[unlikely]] {
    if (parts_.facts.lacks_room) shut |= gate::kMemory;
  }
  if (shut != 0) {
    if ((shut & gate::kReplyMode) != 0) session.begin_reply();
    if ((shut & gate::kOneShot) != 0) session.asked_again = false;
    // In a cluster nearly every call has one key in a slot served here.
    bool plain = (shut & ~std::uint32_t{gate::kFlight}) == gate::kCluster && command->single_key && request.hinted &&
                 parts_.facts.served_slots[request.slot.value] != 0;
    if (plain && (shut & gate::kFlight) != 0) [[unlikely]] {
      plain = !parts_.keyspace.context().flying.has(
          {request.arguments[command->first_key], request.hash, request.slot});
    }
    if (!plain) {
      switch (pass_gates(session, request, shut)) {
        case Passed::kRun: break;
        case Passed::kSuspended: return Dispatched::kSuspended;
        case Passed::kAnswered:
          if ((shut & gate::kOneShot) != 0) session.end_asking();
          if (session.shuts(gate::kReplyMode)) session.end_reply();
          ticks_ = read_ticks();
          return Dispatched::kDone;
      }
    }
  }
  const bool one_shot = (shut & (gate::kOneShot | gate::kReplyMode)) != 0;
  const Dispatched result = run(session, request, CallOrigin::kClient);
  if (one_shot) [[unlikely]] {
    if ((shut & gate::kOneShot) != 0) session.end_asking();
    if ((shut & gate::kReplyMode) != 0) session.end_reply();
  }
  return result;
}

void Dispatcher::apply(Session& primary, const Prepared& request) {
  const Command* command = request.command;
  SKEIN_ASSERT(command != nullptr && command->takes(request.arguments.size()));
  applying_ = true;
  parts_.keyspace.context().expired_live_on = true;
  // Of the gates only its own MULTI counts.
  if ((command->gates & primary.gates() & gate::kMulti) != 0) {
    queue(primary, request);
  } else {
    (void)run(primary, request, CallOrigin::kPrimary);
  }
  parts_.keyspace.context().expired_live_on = false;
  applying_ = false;
}

Dispatched Dispatcher::run(Session& session, const Prepared& request, CallOrigin origin) {
  const Command& command = *request.command;
  ReplyWriter& reply = session.writer();
  Call call{.arguments = request.arguments,
            .command = command,
            .session = session,
            .reply = reply,
            .keyspace = parts_.keyspace,
            .services = parts_.services,
            .now = parts_.facts.now,
            .origin = origin,
            .hinted_position = request.hinted ? command.first_key : std::uint16_t{0},
            .hinted_slot = request.slot,
            .hinted_hash = request.hash,
            .effects = effects()};
  const std::uint64_t errors_before = reply.errors();
  const std::uint64_t dirty_before = parts_.keyspace.context().dirty;
  command.handler(call);
  const Ticks now = read_ticks();
  const Ticks took = now - ticks_;
  ticks_ = now;
  // A call that its handler suspends has run: what is still to come is its reply.
  parts_.stats.record(command.index, took);
  if (call.suspended) [[unlikely]] return Dispatched::kSuspended;
  if (took >= parts_.facts.slow_ticks) [[unlikely]] {
    if (!command.is(flag::kSkipSlowlog)) note_slow(call.arguments, call.secrets, session, took);
  }
  const std::uint64_t errors = reply.errors() - errors_before;
  // A transaction's errors have been counted with its calls.
  if (errors != 0 && errors != std::exchange(transaction_errors_, 0)) [[unlikely]] after_errors(session, command);
  if (call.effects != nullptr) {
    KeyspaceContext& context = parts_.keyspace.context();
    if (!context.owed_removals.empty()) [[unlikely]] tell_owed_removals(context, *call.effects);
    // A save sets the count back: SHUTDOWN that has saved is no change.
    const bool changed = parts_.keyspace.context().dirty > dirty_before;
    if (changed && !call.propagated) call.effects->add_call(session.db, request.arguments);
    if (changed || call.propagated) session.written = call.effects->position();
  }
  return Dispatched::kDone;
}

void Dispatcher::after_errors(const Session& session, const Command& command) {
  parts_.stats.fail(command.index);
  parts_.stats.count_error(const_cast<Session&>(session).writer().last_error_code());
}

void Dispatcher::note_slow(std::span<const std::string_view> arguments, std::uint64_t secrets, const Session& session,
                           Ticks took) {
  const auto micros = static_cast<std::int64_t>(static_cast<double>(took) / parts_.facts.ticks_per_micro);
  std::vector<std::string_view> words(arguments.begin(), arguments.end());
  for (std::size_t i = 0; i < words.size() && i < 64; ++i) {
    if ((secrets >> i & 1) != 0) words[i] = "(redacted)";
  }
  parts_.slowlog.add(words, microseconds{micros}, parts_.facts.now.wall, session.address, session.name);
}

void Dispatcher::tell(int db, std::span<const std::string_view> effect, Session* session) {
  EffectSink* sink = effects();
  if (sink == nullptr) return;
  tell_owed_removals(parts_.keyspace.context(), *sink);
  sink->add(db, effect);
  if (session != nullptr) session->written = sink->position();
}

void Dispatcher::conclude(const ConcludedCall& call) {
  const Ticks took = read_ticks() - call.began;
  const bool slow = took >= parts_.facts.slow_ticks && !call.command.is(flag::kSkipSlowlog);
  if (slow && call.session != nullptr && !call.arguments.empty()) note_slow(call.arguments, call.secrets, *call.session, took);
  if (call.error_code.empty()) return;
  parts_.stats.fail(call.command.index);
  parts_.stats.count_error(call.error_code);
}

}  // namespace skein
