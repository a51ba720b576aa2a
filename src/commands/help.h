// The HELP subcommand of containers, rendered from their specs.
#pragma once

#include <string>

#include <skein/command/call.h>

namespace skein {

// How a call is written: "GETRANGE <key> <start> <end>", options in brackets.
[[nodiscard]] std::string syntax_of(const CommandSpec& spec);

// Answers a container's HELP: its subcommands with what they do. To be used as the
// handler of its HELP.
void reply_help(Call& call);

// The refusal of a subcommand that its handler knows, called with what it cannot take:
// "unknown subcommand or wrong number of arguments for ...".
void refuse_subcommand(Call& call);

}  // namespace skein
