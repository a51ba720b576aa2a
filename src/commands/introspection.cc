// COMMAND: what commands there are and what they are like, told from their specs.
#include "families.h"

#include <algorithm>

#include <skein/base/text.h>
#include <skein/command/key_finder.h>
#include <skein/commands/services.h>

#include "command_names.h"
#include "command_replies.h"
#include "help.h"

namespace skein {

namespace {

std::vector<const Command*> listed_commands(const Call& call) {
  std::vector<const Command*> commands;
  for (const Command* command : call.services.commands.top_level()) {
    // One that was renamed to nothing is gone.
    if (is_listed(*command) && !command->called.empty()) commands.push_back(command);
  }
  return commands;
}

void write_all_rows(Call& call) {
  const auto commands = listed_commands(call);
  call.reply.array(commands.size());
  for (const Command* command : commands) write_command_row(call.reply, *command);
}

// By the name given, "config|get" included; null when there is none.
const Command* find_listed(const Call& call, std::string_view name) {
  const Command* command = call.services.commands.find_full(name);
  return command != nullptr && is_listed(*command) ? command : nullptr;
}

void command_info(Call& call) {
  if (call.size() == 2) {
    write_all_rows(call);
    return;
  }
  call.reply.array(call.size() - 2);
  for (std::size_t i = 2; i < call.size(); ++i) {
    const Command* command = find_listed(call, call.arg(i));
    if (command != nullptr) {
      write_command_row(call.reply, *command);
    } else {
      call.reply.null();
    }
  }
}

constexpr ArgSpec kCommandInfoArgs[] = {{.name = "command-name", .flags = arg_flag::kOptional | arg_flag::kMultiple}};
constexpr HistoryEntry kCommandInfoHistory[] = {
    {"7.0.0", "May be called without names."},
};
constexpr CommandSpec kCommandInfo{
    .name = "INFO",
    .summary = "Describes the commands named, or all.",
    .complexity = "O(N), N being the commands looked up",
    .since = "2.8.13",
    .group = Group::kServer,
    .arity = at_least(2),
    .flags = flag::kLoading | flag::kStale,
    .acl_also = category::kConnection,
    .args = kCommandInfoArgs,
    .tips = {"nondeterministic_output_order"},
    .history = kCommandInfoHistory,
    .handler = command_info,
};

void command_count(Call& call) { call.reply.integer(static_cast<std::int64_t>(listed_commands(call).size())); }

constexpr CommandSpec kCommandCount{
    .name = "COUNT",
    .summary = "Counts the commands.",
    .complexity = "O(1)",
    .since = "2.8.13",
    .group = Group::kServer,
    .arity = exactly(2),
    .flags = flag::kLoading | flag::kStale,
    .acl_also = category::kConnection,
    .handler = command_count,
};

void command_docs(Call& call) {
  std::vector<const Command*> commands;
  if (call.size() == 2) commands = listed_commands(call);
  for (std::size_t i = 2; i < call.size(); ++i) {
    if (const Command* command = find_listed(call, call.arg(i))) commands.push_back(command);
  }
  call.reply.map(commands.size());
  for (const Command* command : commands) write_command_docs(call.reply, *command);
}

constexpr ArgSpec kCommandDocsArgs[] = {{.name = "command-name", .flags = arg_flag::kOptional | arg_flag::kMultiple}};
constexpr CommandSpec kCommandDocs{
    .name = "DOCS",
    .summary = "Returns the documentation of commands.",
    .complexity = "O(N), N being the commands looked up",
    .since = "7.0.0",
    .group = Group::kServer,
    .arity = at_least(2),
    .flags = flag::kLoading | flag::kStale,
    .acl_also = category::kConnection,
    .args = kCommandDocsArgs,
    .tips = {"nondeterministic_output_order"},
    .handler = command_docs,
};

// Which names COMMAND LIST returns.
struct NameFilter {
  enum class Kind { kAll, kModule, kCategory, kPattern };
  Kind kind = Kind::kAll;
  std::string_view pattern;
  std::uint32_t category = 0;

  [[nodiscard]] bool takes(const Command& command) const {
    switch (kind) {
      case Kind::kAll: return true;
      case Kind::kModule: return false;  // there are none
      case Kind::kCategory: return (acl_categories(*command.spec) & category) != 0;
      case Kind::kPattern: return glob_match(pattern, command.name, true);
    }
    return false;
  }
};

std::optional<NameFilter> read_filter(const Call& call) {
  NameFilter filter;
  if (call.size() == 2) return filter;
  if (call.size() != 5 || !call.is_word(2, "filterby")) return std::nullopt;
  if (call.is_word(3, "module")) {
    filter.kind = NameFilter::Kind::kModule;
  } else if (call.is_word(3, "aclcat")) {
    filter.kind = NameFilter::Kind::kCategory;
    filter.category = find_category(call.arg(4));
  } else if (call.is_word(3, "pattern")) {
    filter.kind = NameFilter::Kind::kPattern;
    filter.pattern = call.arg(4);
  } else {
    return std::nullopt;
  }
  return filter;
}

void command_list(Call& call) {
  const auto filter = read_filter(call);
  if (!filter) {
    call.reply.error(errors::kSyntax);
    return;
  }
  std::vector<std::string_view> names;
  for (const Command* command : listed_commands(call)) {
    if (filter->takes(*command)) names.push_back(command->name);
    for (const Command* sub : command->subcommands) {
      if (filter->takes(*sub)) names.push_back(sub->name);
    }
  }
  call.reply.array(names.size());
  for (const std::string_view name : names) call.reply.bulk(name);
}

constexpr ArgSpec kCommandListArgsFilterby[] = {
    {.name = "module-name", .token = "MODULE"},
    {.name = "category", .token = "ACLCAT"},
    {.name = "pattern", .type = ArgType::kPattern, .token = "PATTERN"},
};
constexpr ArgSpec kCommandListArgs[] = {
    {.name = "filterby", .type = ArgType::kOneOf, .token = "FILTERBY",
     .flags = arg_flag::kOptional, .arguments = kCommandListArgsFilterby},
};
constexpr CommandSpec kCommandList{
    .name = "LIST",
    .summary = "Returns the names of commands.",
    .complexity = "O(N), N being the commands",
    .since = "7.0.0",
    .group = Group::kServer,
    .arity = at_least(2),
    .flags = flag::kLoading | flag::kStale,
    .acl_also = category::kConnection,
    .args = kCommandListArgs,
    .tips = {"nondeterministic_output_order"},
    .handler = command_list,
};

// What is only routed like a key, a channel, is none.
bool has_keys(const Command& command) {
  const auto is_key = [](const KeySpec& spec) { return (spec.use & key_use::kNotKey) == 0; };
  return command.spec->movable_keys || std::any_of(command.spec->keys.begin(), command.spec->keys.end(), is_key);
}

// Whether any are left.
bool erase_non_keys(std::vector<FoundKey>& keys) {
  std::erase_if(keys, [](const FoundKey& key) { return (key.use & key_use::kNotKey) != 0; });
  return !keys.empty();
}

// The keys of the call that is given as arguments. Writes the reply and returns nothing
// when there is no such call, or it has no keys.
std::optional<std::vector<FoundKey>> keys_of_call(Call& call, std::span<const std::string_view> inner) {
  const Command* command = call.services.commands.resolve(inner);
  std::vector<FoundKey> keys;
  if (command == nullptr || !is_listed(*command)) {
    call.reply.error("ERR Invalid command specified");
  } else if (!has_keys(*command)) {
    call.reply.error("ERR The command has no key arguments");
  } else if (!command->takes(inner.size())) {
    call.reply.error("ERR Invalid number of arguments specified for command");
  } else if (find_keys(*command, inner, keys) && erase_non_keys(keys)) {
    return keys;
  } else if (command->is(flag::kNoMandatoryKeys)) {
    call.reply.array(0);
  } else {
    call.reply.error("ERR Invalid arguments specified for command");
  }
  return std::nullopt;
}

void command_getkeys(Call& call) {
  const auto inner = call.arguments.subspan(2);
  const auto keys = keys_of_call(call, inner);
  if (!keys) return;
  call.reply.array(keys->size());
  for (const FoundKey& key : *keys) call.reply.bulk(inner[key.position]);
}

constexpr CommandSpec kCommandGetkeys{
    .name = "GETKEYS",
    .summary = "Finds the keys of a call.",
    .complexity = "O(N), N being the call's arguments",
    .since = "2.8.13",
    .group = Group::kServer,
    .arity = at_least(4),
    .flags = flag::kLoading | flag::kStale,
    .acl_also = category::kConnection,
    .handler = command_getkeys,
};

void command_getkeysandflags(Call& call) {
  const auto inner = call.arguments.subspan(2);
  const auto keys = keys_of_call(call, inner);
  if (!keys) return;
  call.reply.array(keys->size());
  for (const FoundKey& key : *keys) {
    call.reply.array(2);
    call.reply.bulk(inner[key.position]);
    write_key_use(call.reply, key.use);
  }
}

constexpr CommandSpec kCommandGetkeysandflags{
    .name = "GETKEYSANDFLAGS",
    .summary = "Finds the keys of a call and what is done with each.",
    .complexity = "O(N), N being the call's arguments",
    .since = "7.0.0",
    .group = Group::kServer,
    .arity = at_least(4),
    .flags = flag::kLoading | flag::kStale,
    .acl_also = category::kConnection,
    .handler = command_getkeysandflags,
};

constexpr CommandSpec kCommandHelp{
    .name = "HELP",
    .summary = "Lists the subcommands.",
    .complexity = "O(1)",
    .since = "5.0.0",
    .group = Group::kServer,
    .arity = exactly(2),
    .flags = flag::kLoading | flag::kStale,
    .acl_also = category::kConnection,
    .handler = reply_help,
};

constexpr const CommandSpec* kSubcommands[] = {&kCommandCount,   &kCommandDocs, &kCommandGetkeys,
                                               &kCommandGetkeysandflags, &kCommandHelp, &kCommandInfo, &kCommandList};

constexpr CommandSpec kCommand{
    .name = "COMMAND",
    .summary = "Describes all commands.",
    .complexity = "O(N), N being the commands",
    .since = "2.8.13",
    .group = Group::kServer,
    .arity = at_least(1),
    .flags = flag::kLoading | flag::kStale,
    .acl_also = category::kConnection,
    .tips = {"nondeterministic_output_order"},
    .subcommands = kSubcommands,
    .handler = write_all_rows,
};

}  // namespace

SpecList introspection_commands() {
  static constexpr const CommandSpec* kSpecs[] = {&kCommand};
  return kSpecs;
}

}  // namespace skein
