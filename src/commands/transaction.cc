// MULTI, EXEC, DISCARD, WATCH and UNWATCH. Collecting calls is the dispatcher's.
#include "families.h"

#include <skein/commands/services.h>

namespace skein {

namespace {

void multi(Call& call) {
  if (call.session.transaction != nullptr) {
    call.reply.error("ERR MULTI calls can not be nested");
    return;
  }
  call.session.begin_transaction();
  call.reply.ok();
}

constexpr CommandSpec kMulti{
    .name = "MULTI",
    .summary = "Begins a transaction.",
    .complexity = "O(1)",
    .since = "1.2.0",
    .group = Group::kTransactions,
    .arity = exactly(1),
    .flags = flag::kNoScript | flag::kLoading | flag::kStale | flag::kFast | flag::kAllowBusy | flag::kRunsInMulti,
    .acl_also = category::kTransaction,
    .handler = multi,
};

void exec(Call& call) {
  Session& session = call.session;
  WatchTable& watch = call.services.watch;
  // The calls give their own effects.
  call.propagate_nothing();
  if (session.transaction == nullptr) {
    call.reply.error("ERR EXEC without MULTI");
    return;
  }
  const bool refused = session.transaction->refused;
  const bool broken = watch.is_broken(session);
  // Before the calls run: what they change themselves breaks nothing.
  watch.unwatch_all(session);
  if (refused) {
    session.end_transaction();
    call.reply.error(errors::kExecAbort);
  } else if (broken) {
    session.end_transaction();
    call.reply.null_array();
  } else {
    call.services.dispatcher->run_transaction(session, call.reply);
  }
}

constexpr CommandSpec kExec{
    .name = "EXEC",
    .summary = "Runs the calls of a transaction.",
    .complexity = "That of the calls it runs.",
    .since = "1.2.0",
    .group = Group::kTransactions,
    .arity = exactly(1),
    .flags = flag::kNoScript | flag::kLoading | flag::kStale | flag::kSkipSlowlog | flag::kRunsInMulti | flag::kExecutes,
    .acl_also = category::kTransaction,
    .handler = exec,
};

void discard(Call& call) {
  if (call.session.transaction == nullptr) {
    call.reply.error("ERR DISCARD without MULTI");
    return;
  }
  call.session.end_transaction();
  call.services.watch.unwatch_all(call.session);
  call.reply.ok();
}

constexpr CommandSpec kDiscard{
    .name = "DISCARD",
    .summary = "Forgets a transaction.",
    .complexity = "O(N), N being its calls",
    .since = "2.0.0",
    .group = Group::kTransactions,
    .arity = exactly(1),
    .flags = flag::kNoScript | flag::kLoading | flag::kStale | flag::kFast | flag::kAllowBusy | flag::kRunsInMulti,
    .acl_also = category::kTransaction,
    .handler = discard,
};

void watch(Call& call) {
  if (call.session.transaction != nullptr) {
    call.reply.error("ERR WATCH inside MULTI is not allowed");
    return;
  }
  // A transaction that must fail already needs no more reasons.
  if (!call.session.dirty_watch) {
    for (std::size_t i = 1; i < call.size(); ++i) {
      call.services.watch.watch(call.session, call.session.db, call.key(i));
    }
  }
  call.reply.ok();
}

constexpr ArgSpec kWatchArgs[] = {{.name = "key", .type = ArgType::kKey, .flags = arg_flag::kMultiple, .key_spec = 0}};
constexpr CommandSpec kWatch{
    .name = "WATCH",
    .summary = "Lets the next transaction fail when one of these keys changes before it.",
    .complexity = "O(1) per key",
    .since = "2.2.0",
    .group = Group::kTransactions,
    .arity = at_least(2),
    .flags = flag::kNoScript | flag::kLoading | flag::kStale | flag::kFast | flag::kAllowBusy | flag::kRunsInMulti,
    .acl_also = category::kTransaction,
    .keys = {keys_from(1, -1, 1, key_use::kReadOnly)},
    .args = kWatchArgs,
    .handler = watch,
};

void unwatch(Call& call) {
  call.services.watch.unwatch_all(call.session);
  call.reply.ok();
}

constexpr CommandSpec kUnwatch{
    .name = "UNWATCH",
    .summary = "Forgets all watched keys.",
    .complexity = "O(1)",
    .since = "2.2.0",
    .group = Group::kTransactions,
    .arity = exactly(1),
    .flags = flag::kNoScript | flag::kLoading | flag::kStale | flag::kFast | flag::kAllowBusy,
    .acl_also = category::kTransaction,
    .handler = unwatch,
};

}  // namespace

SpecList transaction_commands() {
  static constexpr const CommandSpec* kSpecs[] = {&kDiscard, &kExec, &kMulti, &kUnwatch, &kWatch};
  return kSpecs;
}

}  // namespace skein
