// COMMAND DOCS: a spec's words and its grammar. A field is there only if the spec has it.
#include <bit>

#include <skein/base/text.h>

#include "command_replies.h"

namespace skein {

namespace {

struct Field {
  std::string_view name;
  std::string_view value;
};

std::string_view group_name(Group group) {
  constexpr std::string_view kNames[] = {"generic",   "string",  "list",        "set",     "sorted-set", "hash",
                                         "pubsub",    "transactions", "connection", "server",  "scripting",
                                         "hyperloglog", "cluster", "sentinel",  "geo",     "stream",     "bitmap"};
  return kNames[static_cast<std::size_t>(group)];
}

std::string_view type_name(ArgType type) {
  constexpr std::string_view kNames[] = {"string",  "integer",   "double",     "key",   "pattern",
                                         "unix-time", "pure-token", "oneof", "block"};
  return kNames[static_cast<std::size_t>(type)];
}

std::size_t count_given(std::initializer_list<Field> fields) {
  std::size_t count = 0;
  for (const Field& field : fields) count += field.value.empty() ? 0 : 1;
  return count;
}

void write_given(ReplyWriter& reply, std::initializer_list<Field> fields) {
  for (const auto& [name, value] : fields) {
    if (value.empty()) continue;
    reply.bulk(name);
    reply.bulk(value);
  }
}

void write_arguments(ReplyWriter& reply, std::span<const ArgSpec> arguments);

void write_argument_flags(ReplyWriter& reply, std::uint8_t flags) {
  reply.bulk("flags");
  reply.set(static_cast<std::size_t>(std::popcount(flags)));
  if ((flags & arg_flag::kOptional) != 0) reply.status("optional");
  if ((flags & arg_flag::kMultiple) != 0) reply.status("multiple");
  if ((flags & arg_flag::kMultipleToken) != 0) reply.status("multiple_token");
}

void write_argument(ReplyWriter& reply, const ArgSpec& argument) {
  const std::initializer_list<Field> texts = {{"token", argument.token},
                                              {"summary", argument.summary},
                                              {"since", argument.since},
                                              {"deprecated_since", argument.deprecated_since}};
  // The word that stands for nothing being there.
  const bool empty_token = argument.type == ArgType::kPureToken && argument.token.empty();
  reply.map(2 + (argument.type == ArgType::kKey ? 1 : 0) + (empty_token ? 1 : 0) + count_given(texts) +
            (argument.flags != 0 ? 1 : 0) + (argument.arguments.empty() ? 0 : 1));
  reply.bulk("name");
  reply.bulk(argument.name);
  reply.bulk("type");
  reply.bulk(type_name(argument.type));
  if (argument.type == ArgType::kKey) {
    reply.bulk("key_spec_index");
    reply.integer(argument.key_spec);
  }
  if (empty_token) {
    reply.bulk("token");
    reply.bulk("");
  }
  write_given(reply, texts);
  if (argument.flags != 0) write_argument_flags(reply, argument.flags);
  if (!argument.arguments.empty()) write_arguments(reply, argument.arguments);
}

void write_arguments(ReplyWriter& reply, std::span<const ArgSpec> arguments) {
  reply.bulk("arguments");
  reply.array(arguments.size());
  for (const ArgSpec& argument : arguments) write_argument(reply, argument);
}

void write_doc_flags(ReplyWriter& reply, std::uint8_t flags) {
  reply.bulk("doc_flags");
  reply.set(static_cast<std::size_t>(std::popcount(flags)));
  if ((flags & doc_flag::kDeprecated) != 0) reply.status("deprecated");
  if ((flags & doc_flag::kSysCmd) != 0) reply.status("syscmd");
}

void write_history(ReplyWriter& reply, std::span<const HistoryEntry> history) {
  reply.bulk("history");
  reply.set(history.size());
  for (const auto& [version, change] : history) {
    reply.array(2);
    reply.bulk(version);
    reply.bulk(change);
  }
}

}  // namespace

void write_command_docs(ReplyWriter& reply, const Command& command) {
  const CommandSpec& spec = *command.spec;
  const std::initializer_list<Field> head = {{"summary", spec.summary},
                                             {"since", spec.since},
                                             {"group", group_name(spec.group)},
                                             {"complexity", spec.complexity}};
  const std::initializer_list<Field> tail = {{"deprecated_since", spec.deprecated_since},
                                             {"replaced_by", spec.replaced_by}};
  reply.bulk(command.name);
  reply.map(count_given(head) + count_given(tail) + (spec.doc_flags != 0 ? 1 : 0) + (spec.history.empty() ? 0 : 1) +
            (spec.args.empty() ? 0 : 1) + (command.subcommands.empty() ? 0 : 1));
  write_given(reply, head);
  if (spec.doc_flags != 0) write_doc_flags(reply, spec.doc_flags);
  write_given(reply, tail);
  if (!spec.history.empty()) write_history(reply, spec.history);
  if (!spec.args.empty()) write_arguments(reply, spec.args);
  if (command.subcommands.empty()) return;
  reply.bulk("subcommands");
  reply.map(command.subcommands.size());
  for (const Command* sub : command.subcommands) write_command_docs(reply, *sub);
}

}  // namespace skein
