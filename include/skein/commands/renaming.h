// rename-command: new names for commands, over all the lines of a configuration.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>

#include <skein/base/result.h>
#include <skein/command/command.h>
#include <skein/config/parse.h>

namespace skein {

// A configuration is written for every command of redis 7.0: names that stand for nothing here yet are taken, and kept
// from others, as if their commands were there.
class Renaming {
 public:
  explicit Renaming(CommandTable& commands);

  // An empty `to` removes the command. The error names what is wrong.
  Result<void> rename(std::string_view from, std::string_view to);

 private:
  CommandTable& commands_;
  std::set<std::string> without_command_;  // names in use, lower case
};

// All of them, in order; the error says which line.
Result<void> rename_commands(CommandTable& commands, std::span<const RenamedCommand> renamed);

}  // namespace skein
