// DEBUG: for tests of servers and clients. Guarded by enable-debug-command; its
// subcommands are no commands of their own, so they stand in a table of their own.
#include "debug.h"

#include <cmath>

#include <skein/base/text.h>
#include <skein/commands/services.h>

#include "digest.h"
#include "help.h"
#include "server_specs.h"

namespace skein {

namespace {

void debug_segfault(Call& call) { call.services.actions.crash(false); }

void debug_panic(Call& call) { call.services.actions.crash(true); }

void debug_log(Call& call) {
  call.services.actions.log_warning(fmt::format("DEBUG LOG: {}", call.arg(2)));
  call.reply.ok();
}

// The text is the whole reply, which need not be one that errors are counted by.
void debug_error(Call& call) {
  std::string text = fmt::format("-{}", call.arg(2));
  for (char& c : text) {
    if (c == '\r' || c == '\n') c = ' ';
  }
  call.reply.raw(text + "\r\n");
}

void debug_digest(Call& call) { call.reply.status(digest_of(call.keyspace).hex()); }

// Of what is in the table, expired or not.
void debug_digest_value(Call& call) {
  call.reply.array(call.size() - 2);
  for (std::size_t i = 2; i < call.size(); ++i) {
    Digest digest;
    if (const Entry* entry = call.db().peek(call.key(i))) mix_value(digest, *entry);
    call.reply.status(digest.hex());
  }
}

void debug_sleep(Call& call) {
  constexpr double kLongest = 100.0 * 365 * 24 * 3600;
  const auto given = parse_double(call.arg(2));
  if (!given) {
    call.reply.error(errors::kNotFloat);
    return;
  }
  if (*given > 0) {
    call.services.actions.sleep(microseconds{static_cast<std::int64_t>(std::min(*given, kLongest) * 1e6)});
  }
  call.reply.ok();
}

void debug_set_active_expire(Call& call) {
  const auto on = call.integer(2);
  if (!on) return;
  call.services.actions.set_active_expire(*on != 0);
  call.reply.ok();
}

void debug_change_repl_id(Call& call) {
  call.services.actions.change_replication_id();
  call.reply.ok();
}

// The count of changes begins anew, which is no change for replicas.
void debug_reload(Call& call) {
  call.propagate_nothing();
  SnapshotActions::Reload how;
  for (std::size_t i = 2; i < call.size(); ++i) {
    if (call.is_word(i, "merge")) {
      how.merge = true;
    } else if (call.is_word(i, "noflush")) {
      how.flush = false;
    } else if (call.is_word(i, "nosave")) {
      how.save = false;
    } else {
      call.reply.error("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
      return;
    }
  }
  // What is merged may replace keys that are under way.
  call.keyspace.context().flying.before_flush(-1);
  if (const auto done = call.services.snapshots->reload(how); !done) {
    call.reply.error(done.error().message());
  } else {
    call.reply.ok();
  }
}

void debug_help(Call& call);

struct DebugCommand {
  std::string_view name;
  std::size_t fewest;  // words, DEBUG and the name included
  std::size_t most;
  void (*run)(Call&);
  std::string_view syntax;
  std::string_view summary;
};

constexpr std::size_t kAny = SIZE_MAX;
constexpr DebugCommand kCommands[] = {
    {"ASSERT", 2, kAny, debug_panic, "", "Ends the process by a failed assertion."},
    {"CHANGE-REPL-ID", 2, 2, debug_change_repl_id, "", "Begins a new replication history."},
    {"DIGEST", 2, 2, debug_digest, "", "Returns a sum over all data."},
    {"DIGEST-VALUE", 2, kAny, debug_digest_value, "<key> [<key> ...]", "Returns a sum over each value."},
    {"ERROR", 3, 3, debug_error, "<string>", "Answers with this error."},
    {"HELP", 2, 2, debug_help, "", "Lists the subcommands."},
    {"LOG", 3, 3, debug_log, "<message>", "Writes a line to the log."},
    {"OBJECT", 3, 3, debug_object, "<key>", "Tells how a value is held."},
    {"PANIC", 2, kAny, debug_panic, "", "Ends the process as a bug of its own would."},
    {"POPULATE", 3, 5, debug_populate, "<count> [<prefix>] [<size>]",
     "Makes keys that replicas do not hear of, whatever their slot."},
    {"PROTOCOL", 3, 3, debug_protocol, "<type>", "Answers with a value of this type."},
    {"RELOAD", 2, kAny, debug_reload, "[MERGE] [NOFLUSH] [NOSAVE]",
     "Saves the data, empties the databases and loads them again. MERGE overwrites what is there."},
    {"SEGFAULT", 2, kAny, debug_segfault, "", "Ends the process by an invalid access."},
    {"SET-ACTIVE-EXPIRE", 3, 3, debug_set_active_expire, "<0|1>",
     "Switches off and on that expired keys are looked for."},
    {"SLEEP", 3, 3, debug_sleep, "<seconds>", "Stops the server for a time, which may have decimals."},
};

void debug_help(Call& call) {
  call.reply.array(std::size(kCommands) * 2 + 1);
  call.reply.status("DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  for (const DebugCommand& command : kCommands) {
    call.reply.status(command.syntax.empty() ? std::string(command.name)
                                             : fmt::format("{} {}", command.name, command.syntax));
    call.reply.status(fmt::format("    {}", command.summary));
  }
}

void debug(Call& call) {
  for (const DebugCommand& command : kCommands) {
    if (!equals_ignore_case(command.name, call.arg(1))) continue;
    if (call.size() < command.fewest || call.size() > command.most) break;
    command.run(call);
    return;
  }
  refuse_subcommand(call);
}

}  // namespace

constexpr CommandSpec kDebug{
    .name = "DEBUG",
    .summary = "For tests of the server.",
    .complexity = "Depends on the subcommand.",
    .since = "1.0.0",
    .group = Group::kServer,
    .arity = at_least(2),
    .flags = flag::kAdmin | flag::kNoScript | flag::kLoading | flag::kStale | flag::kDebug,
    .doc_flags = doc_flag::kSysCmd,
    .handler = debug,
};

}  // namespace skein
