// The connection family: PING, ECHO, SELECT, QUIT, RESET here; logging in is in
// connection_auth.cc, CLIENT in client*.cc.
#include "families.h"

#include <climits>

#include <skein/base/text.h>
#include <skein/commands/services.h>

#include "connection_specs.h"

namespace skein {

namespace {

void ping(Call& call) {
  if (call.size() > 2) {
    call.reply.error(errors::wrong_arity("ping"));
  } else if (call.size() == 1) {
    call.reply.status("PONG");
  } else {
    call.reply.bulk(call.arg(1));
  }
}

constexpr ArgSpec kPingArgs[] = {{.name = "message", .flags = arg_flag::kOptional}};
constexpr CommandSpec kPing{
    .name = "PING",
    .summary = "Answers, to show that the server lives.",
    .complexity = "O(1)",
    .since = "1.0.0",
    .group = Group::kConnection,
    .arity = at_least(1),
    .flags = flag::kFast | flag::kTellsDiskTrouble,
    .acl_also = category::kConnection,
    .args = kPingArgs,
    .tips = {"request_policy:all_shards", "response_policy:all_succeeded"},
    .handler = ping,
};

void echo(Call& call) { call.reply.bulk(call.arg(1)); }

constexpr ArgSpec kEchoArgs[] = {{.name = "message"}};
constexpr CommandSpec kEcho{
    .name = "ECHO",
    .summary = "Returns its argument.",
    .complexity = "O(1)",
    .since = "1.0.0",
    .group = Group::kConnection,
    .arity = exactly(2),
    .flags = flag::kLoading | flag::kStale | flag::kFast,
    .acl_also = category::kConnection,
    .args = kEchoArgs,
    .handler = echo,
};

void select(Call& call) {
  const auto index = call.integer(1);
  if (!index) return;
  if (*index < INT_MIN || *index > INT_MAX) {
    call.reply.error(fmt::format("ERR value is out of range, value must between {} and {}", INT_MIN, INT_MAX));
  } else if (call.keyspace.context().cluster_mode && *index != 0) {
    call.reply.error("ERR SELECT is not allowed in cluster mode");
  } else if (*index < 0 || *index >= call.keyspace.count()) {
    call.reply.error("ERR DB index is out of range");
  } else {
    call.session.db = static_cast<int>(*index);
    call.reply.ok();
  }
}

constexpr ArgSpec kSelectArgs[] = {{.name = "index", .type = ArgType::kInteger}};
constexpr CommandSpec kSelect{
    .name = "SELECT",
    .summary = "Chooses the database the connection works on.",
    .complexity = "O(1)",
    .since = "1.0.0",
    .group = Group::kConnection,
    .arity = exactly(2),
    .flags = flag::kLoading | flag::kStale | flag::kFast | flag::kChangesConnection,
    .acl_also = category::kConnection,
    .args = kSelectArgs,
    .handler = select,
};

void quit(Call& call) {
  call.reply.ok();
  call.services.actions.close_session(call.session, true);
}

constexpr CommandSpec kQuit{
    .name = "QUIT",
    .summary = "Closes the connection.",
    .complexity = "O(1)",
    .since = "1.0.0",
    .group = Group::kConnection,
    .arity = at_least(1),
    .flags = flag::kNoScript | flag::kLoading | flag::kStale | flag::kFast | flag::kNoAuth | flag::kAllowBusy |
             flag::kChangesConnection | flag::kRunsInMulti | flag::kNeverPaused,
    .acl_also = category::kConnection,
    .handler = quit,
};

// What it resets is what a new connection has, but for CLIENT NO-EVICT, as in redis.
void reset(Call& call) {
  Session& session = call.session;
  session.end_transaction();
  call.services.watch.unwatch_all(session);
  session.db = 0;
  session.writer().set_protocol(2);
  session.user = "default";
  session.shut(gate::kAuth, !call.services.config->requirepass.empty());
  session.name.clear();
  session.asking = false;
  session.shut(gate::kOneShot, false);
  session.readonly = false;
  session.set_reply_mode(ReplyMode::kOn);
  call.reply.status("RESET");
}

constexpr CommandSpec kReset{
    .name = "RESET",
    .summary = "Makes the connection as if it had just been opened.",
    .complexity = "O(1)",
    .since = "6.2.0",
    .group = Group::kConnection,
    .arity = exactly(1),
    .flags = flag::kNoScript | flag::kLoading | flag::kStale | flag::kFast | flag::kNoAuth | flag::kAllowBusy |
             flag::kChangesConnection | flag::kRunsInMulti,
    .acl_also = category::kConnection,
    .handler = reset,
};

}  // namespace

SpecList connection_commands() {
  static constexpr const CommandSpec* kSpecs[] = {&kAuth, &kClient, &kEcho, &kHello, &kPing, &kQuit, &kReset, &kSelect};
  return kSpecs;
}

}  // namespace skein
