// SHUTDOWN: what may be asked for. Ending the process is the node's.
#include <skein/commands/services.h>

#include "server_specs.h"

namespace skein {

namespace {

struct Wish {
  ShutdownRequest request;
  bool abort = false;
};

std::optional<Wish> read_wish(const Call& call) {
  Wish wish;
  ShutdownRequest& request = wish.request;
  for (std::size_t i = 1; i < call.size(); ++i) {
    if (call.is_word(i, "nosave")) {
      request.nosave = true;
    } else if (call.is_word(i, "save")) {
      request.save = true;
    } else if (call.is_word(i, "now")) {
      request.now = true;
    } else if (call.is_word(i, "force")) {
      request.force = true;
    } else if (call.is_word(i, "abort")) {
      wish.abort = true;
    } else {
      return std::nullopt;
    }
  }
  const bool any = request.nosave || request.save || request.now || request.force;
  if ((wish.abort && any) || (request.save && request.nosave)) return std::nullopt;
  return wish;
}

void shutdown(Call& call) {
  auto wish = read_wish(call);
  if (!wish) {
    call.reply.error(errors::kSyntax);
    return;
  }
  if (wish->abort) {
    if (call.services.actions.abort_shutdown()) {
      call.reply.ok();
    } else {
      call.reply.error("ERR No shutdown in progress.");
    }
    return;
  }
  // Half a dataset must not replace the file it is being read from.
  if ((call.services.facts.gates & gate::kLoading) != 0) {
    wish->request.save = false;
    wish->request.nosave = true;
  }
  const auto begun = call.services.actions.shut_down(wish->request);
  if (!begun) {
    call.reply.error(begun.error().message());
  } else if (call.services.actions.waits_to_shut_down()) {
    call.suspend(SuspendReason::kHandover);
  }
}

}  // namespace

constexpr ArgSpec kShutdownArgsNosaveSave[] = {
    {.name = "nosave", .type = ArgType::kPureToken, .token = "NOSAVE"},
    {.name = "save", .type = ArgType::kPureToken, .token = "SAVE"},
};
constexpr ArgSpec kShutdownArgs[] = {
    {.name = "nosave_save", .type = ArgType::kOneOf,
     .flags = arg_flag::kOptional, .arguments = kShutdownArgsNosaveSave},
    {.name = "now", .type = ArgType::kPureToken, .token = "NOW", .flags = arg_flag::kOptional, .since = "7.0.0"},
    {.name = "force", .type = ArgType::kPureToken, .token = "FORCE", .flags = arg_flag::kOptional, .since = "7.0.0"},
    {.name = "abort", .type = ArgType::kPureToken, .token = "ABORT", .flags = arg_flag::kOptional, .since = "7.0.0"},
};
constexpr HistoryEntry kShutdownHistory[] = {
    {"7.0.0", "The options NOW, FORCE and ABORT."},
};
constexpr CommandSpec kShutdown{
    .name = "SHUTDOWN",
    .summary = "Saves the data, if it is to be saved, and ends the server.",
    .complexity = "O(N), N being the keys to save; O(1) without",
    .since = "1.0.0",
    .group = Group::kServer,
    .arity = at_least(1),
    .flags = flag::kAdmin | flag::kNoScript | flag::kLoading | flag::kStale | flag::kNoMulti | flag::kAllowBusy,
    .args = kShutdownArgs,
    .history = kShutdownHistory,
    .handler = shutdown,
};

}  // namespace skein
