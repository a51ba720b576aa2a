#include "help.h"
#include "shown_text.h"

#include <skein/base/text.h>

namespace skein {

namespace {

std::string syntax_of(const ArgSpec& arg);

std::string joined(std::span<const ArgSpec> args, std::string_view between) {
  std::string text;
  for (const ArgSpec& arg : args) {
    if (!text.empty()) text += between;
    text += syntax_of(arg);
  }
  return text;
}

std::string syntax_of(const ArgSpec& arg) {
  std::string text;
  switch (arg.type) {
    case ArgType::kPureToken: text = arg.token; break;
    case ArgType::kOneOf: text = fmt::format("<{}>", joined(arg.arguments, " | ")); break;
    case ArgType::kBlock: text = joined(arg.arguments, " "); break;
    default: text = fmt::format("<{}>", arg.name); break;
  }
  if (arg.type != ArgType::kPureToken && !arg.token.empty()) text = fmt::format("{} {}", arg.token, text);
  const bool group = arg.type == ArgType::kOneOf || arg.type == ArgType::kBlock;
  if ((arg.flags & arg_flag::kMultiple) != 0) text += group ? std::string(" ...") : fmt::format(" [{} ...]", text);
  if ((arg.flags & arg_flag::kOptional) != 0) text = fmt::format("[{}]", text);
  return text;
}

}  // namespace

std::string syntax_of(const CommandSpec& spec) {
  std::string text(spec.name);
  if (!spec.args.empty()) text += " " + joined(spec.args, " ");
  return text;
}

void reply_help(Call& call) {
  const Command& container = *call.command.container;
  call.reply.array(container.subcommands.size() * 2 + 1);
  call.reply.status(
      fmt::format("{} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", container.spec->name));
  for (const Command* sub : container.subcommands) {
    call.reply.status(syntax_of(*sub->spec));
    call.reply.status(fmt::format("    {}", sub->spec->summary));
  }
}

void refuse_subcommand(Call& call) {
  constexpr std::size_t kShown = 128;
  call.reply.error(fmt::format("ERR unknown subcommand or wrong number of arguments for '{}'. Try {} HELP.",
                               shown_text(call.arg(1), kShown), to_upper(call.arg(0))));
}

}  // namespace skein
