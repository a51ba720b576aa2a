// CONFIG: the running server's configuration. What a value may be is decided in config;
// here it is asked for, applied through the node, and taken back when that fails.
#include <skein/commands/services.h>

#include "help.h"
#include "server_specs.h"
#include "shown_text.h"

namespace skein {

namespace {

void config_get(Call& call) {
  const auto found = get_matching(call.services.config, call.arguments.subspan(2));
  call.reply.map(found.size());
  for (const auto& [name, value] : found) {
    call.reply.bulk(name);
    call.reply.bulk(value);
  }
}

constexpr ArgSpec kConfigGetArgsParameter[] = {{.name = "parameter"}};
constexpr ArgSpec kConfigGetArgs[] = {
    {.name = "parameter", .type = ArgType::kBlock,
     .flags = arg_flag::kMultiple, .arguments = kConfigGetArgsParameter},
};
constexpr HistoryEntry kConfigGetHistory[] = {
    {"7.0.0", "Several patterns may be given."},
};
constexpr CommandSpec kConfigGet{
    .name = "GET",
    .summary = "Returns directives with their values.",
    .complexity = "O(N), N being the directives asked for",
    .since = "2.0.0",
    .group = Group::kServer,
    .arity = at_least(3),
    .flags = flag::kAdmin | flag::kNoScript | flag::kLoading | flag::kStale,
    .args = kConfigGetArgs,
    .history = kConfigGetHistory,
    .handler = config_get,
};

void refuse(Call& call, SetRefusal refusal) {
  refusal.name = shown_text(refusal.name);
  switch (refusal.kind) {
    case SetRefusal::Kind::kSyntax: call.reply.error(errors::kSyntax); break;
    case SetRefusal::Kind::kLoading: call.reply.error(errors::kLoading); break;
    default: call.reply.error(fmt::format("ERR {}", refusal.message())); break;
  }
}

// Makes a change act. On failure the old values are back, in the configuration and in effect.
std::optional<SetRefusal> apply(Call& call, const SettingsChange& change) {
  NodeActions& actions = call.services.actions;
  auto failure = actions.apply_config(change);
  if (!failure) return std::nullopt;
  undo(call.services.config, change);
  (void)actions.apply_config(change);
  return failed_to_apply(*failure->directive, std::move(failure->reason));
}

void config_set(Call& call) {
  Config& config = call.services.config;
  const auto words = call.arguments.subspan(2);
  for (const std::size_t position : sensitive_positions(words)) call.keep_secret(position + 2);
  const Permit permit = config->enable_protected_configs;
  const SetContext context{
      .may_set_protected = permit == Permit::kYes || (permit == Permit::kLocal && call.session.local),
      .loading = (call.services.facts.gates & gate::kLoading) != 0,
  };
  const auto outcome = set_all(config, words, context);
  if (const auto* refusal = std::get_if<SetRefusal>(&outcome)) {
    refuse(call, *refusal);
    return;
  }
  const auto& change = std::get<SettingsChange>(outcome);
  if (const auto refusal = apply(call, change)) {
    refuse(call, *refusal);
    return;
  }
  for (const Directive* directive : change.changed()) {
    const auto idle = idle_notice(config, *directive);
    if (!idle.empty()) call.services.actions.log_warning("CONFIG SET: " + idle);
  }
  // Without a password nobody has to log in, those least who have not been able to.
  if (change.changes("requirepass") && config->requirepass.empty()) {
    for (Session* session : call.services.sessions.all()) session->shut(gate::kAuth, false);
  }
  call.reply.ok();
}

constexpr ArgSpec kConfigSetArgsParameterValue[] = {{.name = "parameter"}, {.name = "value"}};
constexpr ArgSpec kConfigSetArgs[] = {
    {.name = "parameter_value", .type = ArgType::kBlock,
     .flags = arg_flag::kMultiple, .arguments = kConfigSetArgsParameterValue},
};
constexpr HistoryEntry kConfigSetHistory[] = {
    {"7.0.0", "Several directives may be given."},
};
constexpr CommandSpec kConfigSet{
    .name = "SET",
    .summary = "Changes directives while the server runs.",
    .complexity = "O(N), N being the directives",
    .since = "2.0.0",
    .group = Group::kServer,
    .arity = at_least(4),
    .flags = flag::kAdmin | flag::kNoScript | flag::kLoading | flag::kStale,
    .args = kConfigSetArgs,
    .tips = {"request_policy:all_nodes", "response_policy:all_succeeded"},
    .history = kConfigSetHistory,
    .handler = config_set,
};

void config_rewrite(Call& call) {
  if (call.services.actions.info_facts().config_file.empty()) {
    call.reply.error("ERR The server is running without a config file");
    return;
  }
  const auto written = call.services.actions.rewrite_config();
  if (written) {
    call.reply.ok();
  } else {
    call.reply.error(fmt::format("ERR Rewriting CONFIG file: {}", written.error().message()));
  }
}

constexpr CommandSpec kConfigRewrite{
    .name = "REWRITE",
    .summary = "Writes the present configuration to the configuration file.",
    .complexity = "O(1)",
    .since = "2.8.0",
    .group = Group::kServer,
    .arity = exactly(2),
    .flags = flag::kAdmin | flag::kNoScript | flag::kLoading | flag::kStale,
    .handler = config_rewrite,
};

void config_resetstat(Call& call) {
  KeyspaceContext& context = call.keyspace.context();
  context.hits = context.misses = context.expired_keys = context.evicted_keys = 0;
  call.services.stats.reset();
  call.services.actions.reset_statistics();
  call.reply.ok();
}

constexpr CommandSpec kConfigResetstat{
    .name = "RESETSTAT",
    .summary = "Begins to count anew what INFO tells.",
    .complexity = "O(1)",
    .since = "2.0.0",
    .group = Group::kServer,
    .arity = exactly(2),
    .flags = flag::kAdmin | flag::kNoScript | flag::kLoading | flag::kStale,
    .handler = config_resetstat,
};

constexpr CommandSpec kConfigHelp{
    .name = "HELP",
    .summary = "Lists the subcommands.",
    .complexity = "O(1)",
    .since = "5.0.0",
    .group = Group::kServer,
    .arity = exactly(2),
    .flags = flag::kLoading | flag::kStale,
    .handler = reply_help,
};

constexpr const CommandSpec* kSubcommands[] = {&kConfigGet, &kConfigHelp, &kConfigResetstat, &kConfigRewrite,
                                               &kConfigSet};

}  // namespace

constexpr CommandSpec kConfig{
    .name = "CONFIG",
    .summary = "Reads and changes the configuration.",
    .complexity = "Depends on the subcommand.",
    .since = "2.0.0",
    .group = Group::kServer,
    .arity = at_least(2),
    .subcommands = kSubcommands,
};

}  // namespace skein
