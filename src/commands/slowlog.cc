// SLOWLOG: the calls that took longest, as the dispatcher kept them.
#include <skein/base/text.h>
#include <skein/commands/services.h>

#include "help.h"
#include "server_specs.h"

namespace skein {

namespace {

void write_slow_call(ReplyWriter& reply, const SlowCall& slow) {
  reply.array(6);
  reply.integer(slow.id);
  reply.integer(slow.unix_seconds);
  reply.integer(slow.took.count());
  reply.array(slow.arguments.size());
  for (const auto& argument : slow.arguments) reply.bulk(argument);
  reply.bulk(slow.client_address);
  reply.bulk(slow.client_name);
}

void slowlog_get(Call& call) {
  constexpr std::int64_t kUsualCount = 10;
  if (call.size() > 3) {
    refuse_subcommand(call);
    return;
  }
  std::int64_t wanted = kUsualCount;
  if (call.size() == 3) {
    const auto given = parse_int64(call.arg(2));
    if (!given || *given < -1) {
      call.reply.error("ERR count should be greater than or equal to -1");
      return;
    }
    wanted = *given;
  }
  const auto& calls = call.services.slowlog.calls();
  const std::size_t count =
      wanted < 0 ? calls.size() : std::min(calls.size(), static_cast<std::size_t>(wanted));
  call.reply.array(count);
  for (std::size_t i = 0; i < count; ++i) write_slow_call(call.reply, calls[i]);
}

constexpr ArgSpec kSlowlogGetArgs[] = {{.name = "count", .type = ArgType::kInteger, .flags = arg_flag::kOptional}};
constexpr HistoryEntry kSlowlogGetHistory[] = {
    {"4.0.0", "The client's address and name."},
};
constexpr CommandSpec kSlowlogGet{
    .name = "GET",
    .summary = "Returns slow calls, the latest first.",
    .complexity = "O(N), N being the calls returned",
    .since = "2.2.12",
    .group = Group::kServer,
    .arity = at_least(2),
    .flags = flag::kAdmin | flag::kLoading | flag::kStale,
    .args = kSlowlogGetArgs,
    .tips = {"request_policy:all_nodes", "nondeterministic_output"},
    .history = kSlowlogGetHistory,
    .handler = slowlog_get,
};

void slowlog_len(Call& call) { call.reply.integer(static_cast<std::int64_t>(call.services.slowlog.calls().size())); }

constexpr CommandSpec kSlowlogLen{
    .name = "LEN",
    .summary = "Counts the slow calls kept.",
    .complexity = "O(1)",
    .since = "2.2.12",
    .group = Group::kServer,
    .arity = exactly(2),
    .flags = flag::kAdmin | flag::kLoading | flag::kStale,
    .tips = {"request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"},
    .handler = slowlog_len,
};

void slowlog_reset(Call& call) {
  call.services.slowlog.clear();
  call.reply.ok();
}

constexpr CommandSpec kSlowlogReset{
    .name = "RESET",
    .summary = "Forgets all slow calls.",
    .complexity = "O(N), N being the calls kept",
    .since = "2.2.12",
    .group = Group::kServer,
    .arity = exactly(2),
    .flags = flag::kAdmin | flag::kLoading | flag::kStale,
    .tips = {"request_policy:all_nodes", "response_policy:all_succeeded"},
    .handler = slowlog_reset,
};

constexpr CommandSpec kSlowlogHelp{
    .name = "HELP",
    .summary = "Lists the subcommands.",
    .complexity = "O(1)",
    .since = "6.2.0",
    .group = Group::kServer,
    .arity = exactly(2),
    .flags = flag::kLoading | flag::kStale,
    .handler = reply_help,
};

constexpr const CommandSpec* kSubcommands[] = {&kSlowlogGet, &kSlowlogHelp, &kSlowlogLen, &kSlowlogReset};

}  // namespace

constexpr CommandSpec kSlowlog{
    .name = "SLOWLOG",
    .summary = "Looks at the calls that took longest.",
    .complexity = "Depends on the subcommand.",
    .since = "2.2.12",
    .group = Group::kServer,
    .arity = at_least(2),
    .subcommands = kSubcommands,
};

}  // namespace skein
