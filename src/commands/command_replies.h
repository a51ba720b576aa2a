// How a spec is told to clients: the rows of COMMAND INFO and the entries of COMMAND DOCS.
#pragma once

#include <cstdint>

#include <skein/command/command.h>
#include <skein/resp/reply_writer.h>

namespace skein {

[[nodiscard]] inline bool is_listed(const Command& command) { return !command.is(flag::kHidden); }

// A row of COMMAND INFO, with the rows of subcommands.
void write_command_row(ReplyWriter& reply, const Command& command);
// A pair of COMMAND DOCS: the name and a map.
void write_command_docs(ReplyWriter& reply, const Command& command);
// "RW", "access", ...: a set of what is done with a key.
void write_key_use(ReplyWriter& reply, std::uint32_t use);

}  // namespace skein
