// The gates a call passes, in redis's order, when at least one of them is shut.
#include <skein/dispatch/dispatcher.h>

#include <algorithm>

namespace skein {

namespace {

struct ShutGate {
  std::uint32_t gate;
  std::string_view error;
};

// Gates that only say no, in the order they are asked. Routing comes before them.
constexpr ShutGate kRefusals[] = {
    {gate::kMemory, errors::kOutOfMemory},
    {gate::kDisk, errors::kSnapshotsFail},
    {gate::kFewReplicas, errors::kFewReplicas},
    {gate::kReadOnly, errors::kReadOnlyReplica},
    {gate::kStale, errors::kMasterDown},
    {gate::kLoading, errors::kLoading},
};

// A transaction is judged by the calls it holds.
std::uint32_t judged_by_calls(const Session& session, std::uint32_t shut) {
  const std::uint32_t calls = session.transaction != nullptr ? session.transaction->gates : 0;
  return shut & (calls | ~std::uint32_t{gate::kJudgedByCalls});
}

constexpr std::string_view kDebugNotAllowed =
    "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a "
    "local connection, otherwise you need to set this option in the configuration file, and then restart the server.";

}  // namespace

std::optional<std::string> Dispatcher::route(const Session& session, const Prepared& request) const {
  const Command& command = *request.command;
  if (command.is(flag::kExecutes)) {
    if (session.transaction == nullptr) return std::nullopt;
    return parts_.facts.router->refuse_transaction(*session.transaction, session);
  }
  return parts_.facts.router->refuse(command, request.arguments, session);
}

// An error before the call ran. A transaction that is being collected will not run any
// more; when it is EXEC itself that is refused, the transaction ends here.
void Dispatcher::reject(Session& session, const Command* command, std::string_view error) {
  ReplyWriter& reply = session.writer();
  if (command != nullptr) parts_.stats.reject(command->index);
  if (command != nullptr && command->is(flag::kExecutes)) {
    session.discard_transaction();
    reply.error(fmt::format("EXECABORT Transaction discarded because of: {}", error));
  } else {
    if (session.transaction != nullptr) session.transaction->refused = true;
    reply.error(error);
  }
  parts_.stats.count_error(reply.last_error_code());
}

// A redirected EXEC ends its transaction too, but the redirection itself is the reply.
void Dispatcher::redirect(Session& session, const Command& command, std::string_view error) {
  if (!command.is(flag::kExecutes)) {
    reject(session, &command, error);
    return;
  }
  session.discard_transaction();
  parts_.stats.reject(command.index);
  session.writer().error(error);
  parts_.stats.count_error(session.writer().last_error_code());
}

Dispatcher::Passed Dispatcher::pass_gates(Session& session, const Prepared& request, std::uint32_t shut) {
  const Command& command = *request.command;
  if (command.is(flag::kExecutes)) shut = judged_by_calls(session, shut);
  const auto refuse = [&](std::string_view error) {
    reject(session, &command, error);
    return Passed::kAnswered;
  };
  if ((shut & gate::kDebug) != 0 && !(session.local && parts_.facts.debug_for_local)) return refuse(kDebugNotAllowed);
  if ((shut & gate::kAuth) != 0) return refuse(errors::kNoAuth);
  if ((shut & gate::kMulti) != 0 && command.is(flag::kNoMulti)) {
    return refuse("ERR Command not allowed inside a transaction");
  }
  if ((shut & gate::kCluster) != 0) {
    if (const auto error = route(session, request)) {
      redirect(session, command, *error);
      return Passed::kAnswered;
    }
  }
  for (const auto& [which, error] : kRefusals) {
    if ((shut & which) == 0) continue;
    if (which == gate::kMemory && has_room(bytes_to_take(session, request))) continue;
    return refuse(error);
  }
  if ((shut & (gate::kPauseAll | gate::kPauseWrite)) != 0) {
    session.suspend(SuspendReason::kPaused, command, request.arguments);
    return Passed::kSuspended;
  }
  if ((shut & gate::kMulti) != 0) {
    queue(session, request);
    return Passed::kAnswered;
  }
  if ((shut & gate::kLease) != 0) {
    session.suspend(SuspendReason::kNoLease, command, request.arguments);
    return Passed::kSuspended;
  }
  if ((shut & gate::kFlight) != 0 && touches_flight(session, request)) {
    session.suspend(SuspendReason::kKeysInFlight, command, request.arguments);
    flight_awaited_ = true;
    return Passed::kSuspended;
  }
  return Passed::kRun;
}

bool Dispatcher::touches_flight(const Session& session, const Prepared& request) {
  if (!request.command->is(flag::kExecutes)) return finds_flight(*request.command, request.arguments, session.db);
  if (session.transaction == nullptr) return false;
  return std::any_of(session.transaction->calls.begin(), session.transaction->calls.end(), [&](const OwnedCall& call) {
    views_.assign(call.arguments.begin(), call.arguments.end());
    return finds_flight(*call.command, views_, session.db);
  });
}

bool Dispatcher::finds_flight(const Command& command, std::span<const std::string_view> arguments, int db) {
  const FlyingKeys& flying = parts_.keyspace.context().flying;
  found_.clear();
  // A call whose keys cannot be found might mean any.
  if (!find_keys(command, arguments, found_)) return true;
  return std::any_of(found_.begin(), found_.end(), [&](const FoundKey& found) {
    return (found.use & key_use::kNotKey) == 0 && flying.has(parts_.keyspace.db(db).ref(arguments[found.position]));
  });
}

void Dispatcher::queue(Session& session, const Prepared& request) {
  Transaction& transaction = *session.transaction;
  // One that cannot succeed any more need not be kept.
  if (!transaction.refused && !session.dirty_watch) {
    OwnedCall& call = transaction.calls.emplace_back();
    call.command = request.command;
    call.arguments.assign(request.arguments.begin(), request.arguments.end());
    std::size_t bytes = 0;
    for (const auto& argument : call.arguments) bytes += argument.size();
    transaction.bytes += bytes;
    transaction.memory += bytes + sizeof(OwnedCall) + call.arguments.size() * sizeof(std::string);
    if ((request.command->gates & gate::kMemory) != 0) transaction.bytes_to_keep += bytes;
    transaction.gates |= request.command->gates;
  }
  session.writer().status("QUEUED");
}

Dispatched Dispatcher::resume(Session& session) {
  const auto call = std::move(session.suspended);
  const std::vector<std::string_view> views(call->call.arguments.begin(), call->call.arguments.end());
  Prepared request{.arguments = views};
  prepare(request, session.db);
  begin_batch();
  return dispatch(session, request);
}

void Dispatcher::run_transaction(Session& session, ReplyWriter& reply) {
  // It stays the session's until its calls have run: CLIENT INFO shows it.
  session.shut(gate::kMulti, false);
  const Transaction& transaction = *session.transaction;
  const Ticks start = ticks_;
  const std::uint64_t errors_before = reply.errors();
  reply.array(transaction.calls.size());
  if (effects() != nullptr) effects()->begin_unit();
  std::vector<std::string_view> views;
  for (const auto& call : transaction.calls) {
    views.assign(call.arguments.begin(), call.arguments.end());
    Prepared request{.arguments = views};
    prepare(request, session.db);
    request.command = call.command;
    run(session, request, CallOrigin::kTransaction);
  }
  if (effects() != nullptr) {
    effects()->end_unit();
    session.written = effects()->position();
  }
  session.end_transaction();
  transaction_errors_ = reply.errors() - errors_before;
  ticks_ = start;  // so that EXEC's own time is that of all
}

}  // namespace skein
