// CLIENT: a connection looks at itself and at others, names, pauses and mutes. Ending
// others is in client_kill.cc.
#include "client_specs.h"

#include <skein/base/text.h>
#include <skein/commands/services.h>

#include "client_lines.h"
#include "client_names.h"
#include "connection_specs.h"
#include "help.h"
#include "shown_text.h"

namespace skein {

namespace {

void client_id(Call& call) { call.reply.integer(static_cast<std::int64_t>(call.session.id())); }

constexpr CommandSpec kClientId{
    .name = "ID",
    .summary = "Returns the number of this connection.",
    .complexity = "O(1)",
    .since = "5.0.0",
    .group = Group::kConnection,
    .arity = exactly(2),
    .flags = flag::kNoScript | flag::kLoading | flag::kStale,
    .acl_also = category::kConnection,
    .handler = client_id,
};

void client_getname(Call& call) {
  if (call.session.name.empty()) {
    call.reply.null();
  } else {
    call.reply.bulk(call.session.name);
  }
}

constexpr CommandSpec kClientGetname{
    .name = "GETNAME",
    .summary = "Returns the name of this connection.",
    .complexity = "O(1)",
    .since = "2.6.9",
    .group = Group::kConnection,
    .arity = exactly(2),
    .flags = flag::kNoScript | flag::kLoading | flag::kStale,
    .acl_also = category::kConnection,
    .handler = client_getname,
};

void client_setname(Call& call) {
  if (!is_client_name(call.arg(2))) {
    call.reply.error(kBadClientName);
    return;
  }
  call.session.name = call.arg(2);
  call.reply.ok();
}

constexpr ArgSpec kClientSetnameArgs[] = {{.name = "connection-name"}};
constexpr CommandSpec kClientSetname{
    .name = "SETNAME",
    .summary = "Names this connection.",
    .complexity = "O(1)",
    .since = "2.6.9",
    .group = Group::kConnection,
    .arity = exactly(3),
    .flags = flag::kNoScript | flag::kLoading | flag::kStale,
    .acl_also = category::kConnection,
    .args = kClientSetnameArgs,
    .handler = client_setname,
};

std::string line_of(const Call& call, const Session& session) {
  std::size_t bytes = 0;
  if (&session == &call.session) {
    for (const std::string_view argument : call.arguments) bytes += argument.size();
  }
  return describe_session(session, call.now.mono, bytes);
}

void client_info(Call& call) { call.reply.verbatim("txt", line_of(call, call.session)); }

constexpr CommandSpec kClientInfo{
    .name = "INFO",
    .summary = "Describes this connection.",
    .complexity = "O(1)",
    .since = "6.2.0",
    .group = Group::kConnection,
    .arity = exactly(2),
    .flags = flag::kNoScript | flag::kLoading | flag::kStale,
    .acl_also = category::kConnection,
    .tips = {"nondeterministic_output"},
    .handler = client_info,
};

std::optional<std::string> lines_by_id(Call& call) {
  std::string lines;
  for (std::size_t i = 3; i < call.size(); ++i) {
    const auto id = call.integer(i, "ERR Invalid client ID");
    if (!id) return std::nullopt;
    const Session* session = *id > 0 ? call.services.sessions.find(static_cast<std::uint64_t>(*id)) : nullptr;
    if (session != nullptr && !session->closing) lines += line_of(call, *session);
  }
  return lines;
}

void client_list(Call& call) {
  std::optional<ClientClass> wanted;
  if (call.size() == 4 && call.is_word(2, "type")) {
    wanted = parse_client_class(call.arg(3));
    if (!wanted) {
      call.reply.error(fmt::format("ERR Unknown client type '{}'", shown_text(call.arg(3))));
      return;
    }
  } else if (call.size() > 3 && call.is_word(2, "id")) {
    if (const auto lines = lines_by_id(call)) call.reply.verbatim("txt", *lines);
    return;
  } else if (call.size() != 2) {
    call.reply.error(errors::kSyntax);
    return;
  }
  std::string lines;
  for (const Session* session : call.services.sessions.all()) {
    const bool listed = !session->closing && (!wanted || class_of(*session) == *wanted);
    if (listed) lines += line_of(call, *session);
  }
  call.reply.verbatim("txt", lines);
}

constexpr ArgSpec kClientListArgsNormalMasterReplicaPubsub[] = {
    {.name = "normal", .type = ArgType::kPureToken, .token = "NORMAL"},
    {.name = "master", .type = ArgType::kPureToken, .token = "MASTER"},
    {.name = "replica", .type = ArgType::kPureToken, .token = "REPLICA"},
    {.name = "pubsub", .type = ArgType::kPureToken, .token = "PUBSUB"},
};
constexpr ArgSpec kClientListArgsId[] = {
    {.name = "client-id", .type = ArgType::kInteger, .flags = arg_flag::kMultiple},
};
constexpr ArgSpec kClientListArgs[] = {
    {.name = "normal_master_replica_pubsub", .type = ArgType::kOneOf, .token = "TYPE",
     .flags = arg_flag::kOptional, .since = "5.0.0", .arguments = kClientListArgsNormalMasterReplicaPubsub},
    {.name = "id", .type = ArgType::kBlock, .token = "ID",
     .flags = arg_flag::kOptional, .since = "6.2.0", .arguments = kClientListArgsId},
};
constexpr HistoryEntry kClientListHistory[] = {
    {"2.8.12", "The field id."},
    {"5.0.0", "The filter TYPE."},
    {"6.0.0", "The field user."},
    {"6.2.0", "The fields argv-mem, tot-mem, laddr and redir; the filter ID."},
    {"7.0.0", "The fields resp, multi-mem, rbs and rbp."},
    {"7.0.3", "The field ssub."},
};
constexpr CommandSpec kClientList{
    .name = "LIST",
    .summary = "Describes connections, one a line.",
    .complexity = "O(N), N being the connections",
    .since = "2.4.0",
    .group = Group::kConnection,
    .arity = at_least(2),
    .flags = flag::kAdmin | flag::kNoScript | flag::kLoading | flag::kStale,
    .acl_also = category::kConnection,
    .args = kClientListArgs,
    .tips = {"nondeterministic_output"},
    .history = kClientListHistory,
    .handler = client_list,
};

void client_no_evict(Call& call) {
  if (!call.is_word(2, "on") && !call.is_word(2, "off")) {
    call.reply.error(errors::kSyntax);
    return;
  }
  call.session.no_evict = call.is_word(2, "on");
  call.reply.ok();
}

constexpr ArgSpec kClientNoEvictArgsEnabled[] = {
    {.name = "on", .type = ArgType::kPureToken, .token = "ON"},
    {.name = "off", .type = ArgType::kPureToken, .token = "OFF"},
};
constexpr ArgSpec kClientNoEvictArgs[] = {
    {.name = "enabled", .type = ArgType::kOneOf, .arguments = kClientNoEvictArgsEnabled},
};
constexpr CommandSpec kClientNoEvict{
    .name = "NO-EVICT",
    .summary = "Keeps this connection when memory for clients runs out.",
    .complexity = "O(1)",
    .since = "7.0.0",
    .group = Group::kConnection,
    .arity = exactly(3),
    .flags = flag::kAdmin | flag::kNoScript | flag::kLoading | flag::kStale,
    .acl_also = category::kConnection,
    .args = kClientNoEvictArgs,
    .handler = client_no_evict,
};

void client_pause(Call& call) {
  // Longer than this is for ever, and would not fit the clock.
  constexpr std::int64_t kLongestMillis = std::int64_t{100} * 365 * 24 * 3600 * 1000;
  if (call.size() > 4) {
    refuse_subcommand(call);
    return;
  }
  PauseKind kind = PauseKind::kAll;
  if (call.size() == 4) {
    if (call.is_word(3, "write")) {
      kind = PauseKind::kWrite;
    } else if (!call.is_word(3, "all")) {
      call.reply.error("ERR CLIENT PAUSE mode must be WRITE or ALL");
      return;
    }
  }
  const auto timeout = call.integer(2, "ERR timeout is not an integer or out of range");
  if (!timeout) return;
  if (*timeout < 0) {
    call.reply.error("ERR timeout is negative");
    return;
  }
  call.services.actions.pause_clients(kind, call.now.mono + milliseconds{std::min(*timeout, kLongestMillis)});
  call.reply.ok();
}

constexpr ArgSpec kClientPauseArgsMode[] = {
    {.name = "write", .type = ArgType::kPureToken, .token = "WRITE"},
    {.name = "all", .type = ArgType::kPureToken, .token = "ALL"},
};
constexpr ArgSpec kClientPauseArgs[] = {
    {.name = "timeout", .type = ArgType::kInteger},
    {.name = "mode", .type = ArgType::kOneOf,
     .flags = arg_flag::kOptional, .since = "6.2.0", .arguments = kClientPauseArgsMode},
};
constexpr HistoryEntry kClientPauseHistory[] = {
    {"6.2.0", "The mode WRITE, and a way to name the mode."},
};
constexpr CommandSpec kClientPause{
    .name = "PAUSE",
    .summary = "Lets all clients, or those that write, wait for a time.",
    .complexity = "O(1)",
    .since = "2.9.50",
    .group = Group::kConnection,
    .arity = at_least(3),
    .flags = flag::kAdmin | flag::kNoScript | flag::kLoading | flag::kStale,
    .acl_also = category::kConnection,
    .args = kClientPauseArgs,
    .history = kClientPauseHistory,
    .handler = client_pause,
};

void client_unpause(Call& call) {
  call.services.actions.pause_clients(PauseKind::kNone, {});
  call.reply.ok();
}

constexpr CommandSpec kClientUnpause{
    .name = "UNPAUSE",
    .summary = "Ends a pause of clients.",
    .complexity = "O(N), N being the paused clients",
    .since = "6.2.0",
    .group = Group::kConnection,
    .arity = exactly(2),
    .flags = flag::kAdmin | flag::kNoScript | flag::kLoading | flag::kStale,
    .acl_also = category::kConnection,
    .handler = client_unpause,
};

void client_reply(Call& call) {
  Session& session = call.session;
  if (call.is_word(2, "on")) {
    session.set_reply_mode(ReplyMode::kOn);
    call.reply.ok();
  } else if (call.is_word(2, "off")) {
    session.set_reply_mode(ReplyMode::kOff);
  } else if (call.is_word(2, "skip")) {
    if (session.reply_mode != ReplyMode::kOff) session.set_reply_mode(ReplyMode::kSkipNext);
  } else {
    call.reply.error(errors::kSyntax);
  }
}

constexpr ArgSpec kClientReplyArgsOnOffSkip[] = {
    {.name = "on", .type = ArgType::kPureToken, .token = "ON"},
    {.name = "off", .type = ArgType::kPureToken, .token = "OFF"},
    {.name = "skip", .type = ArgType::kPureToken, .token = "SKIP"},
};
constexpr ArgSpec kClientReplyArgs[] = {
    {.name = "on_off_skip", .type = ArgType::kOneOf, .arguments = kClientReplyArgsOnOffSkip},
};
constexpr CommandSpec kClientReply{
    .name = "REPLY",
    .summary = "Switches the replies to this connection off and on.",
    .complexity = "O(1)",
    .since = "3.2.0",
    .group = Group::kConnection,
    .arity = exactly(3),
    .flags = flag::kNoScript | flag::kLoading | flag::kStale | flag::kChangesConnection,
    .acl_also = category::kConnection,
    .args = kClientReplyArgs,
    .handler = client_reply,
};

// Who is paused goes on with the pause's end: only what waits for an event is ended from outside.
void client_unblock(Call& call) {
  if (call.size() > 4) {
    refuse_subcommand(call);
    return;
  }
  if (call.size() == 4 && !call.is_word(3, "timeout") && !call.is_word(3, "error")) {
    call.reply.error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
    return;
  }
  const auto id = call.integer(2);
  if (!id) return;
  Session* target = *id > 0 ? call.services.sessions.find(static_cast<std::uint64_t>(*id)) : nullptr;
  const bool waits = target != nullptr && !target->closing && target->suspended != nullptr &&
                     target->suspended->reason == SuspendReason::kReplicas;
  if (waits) {
    target->suspended.reset();
    if (call.size() == 4 && call.is_word(3, "error")) {
      target->writer().error("UNBLOCKED client unblocked via CLIENT UNBLOCK");
    } else {
      target->writer().integer(static_cast<std::int64_t>(call.services.replication->acknowledged_by(*target)));
    }
    target->peer()->wake();
  }
  call.reply.integer(waits ? 1 : 0);
}

constexpr ArgSpec kClientUnblockArgsTimeoutError[] = {
    {.name = "timeout", .type = ArgType::kPureToken, .token = "TIMEOUT"},
    {.name = "error", .type = ArgType::kPureToken, .token = "ERROR"},
};
constexpr ArgSpec kClientUnblockArgs[] = {
    {.name = "client-id", .type = ArgType::kInteger},
    {.name = "timeout_error", .type = ArgType::kOneOf,
     .flags = arg_flag::kOptional, .arguments = kClientUnblockArgsTimeoutError},
};
constexpr CommandSpec kClientUnblock{
    .name = "UNBLOCK",
    .summary = "Ends the waiting of another connection.",
    .complexity = "O(log N), N being the connections",
    .since = "5.0.0",
    .group = Group::kConnection,
    .arity = at_least(3),
    .flags = flag::kAdmin | flag::kNoScript | flag::kLoading | flag::kStale,
    .acl_also = category::kConnection,
    .args = kClientUnblockArgs,
    .handler = client_unblock,
};

constexpr CommandSpec kClientHelp{
    .name = "HELP",
    .summary = "Lists the subcommands.",
    .complexity = "O(1)",
    .since = "5.0.0",
    .group = Group::kConnection,
    .arity = exactly(2),
    .flags = flag::kLoading | flag::kStale,
    .acl_also = category::kConnection,
    .handler = reply_help,
};

constexpr const CommandSpec* kSubcommands[] = {
    &kClientGetname, &kClientHelp,  &kClientId,    &kClientInfo,    &kClientKill,    &kClientList, &kClientNoEvict,
    &kClientPause,   &kClientReply, &kClientSetname, &kClientUnblock, &kClientUnpause,
};

}  // namespace

constexpr CommandSpec kClient{
    .name = "CLIENT",
    .summary = "Looks at connections and steers them.",
    .complexity = "Depends on the subcommand.",
    .since = "2.4.0",
    .group = Group::kConnection,
    .arity = at_least(2),
    .subcommands = kSubcommands,
};

}  // namespace skein
