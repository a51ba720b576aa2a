// The words after the program's name, in redis-server's own syntax:
// [file] [--directive value ...] [-].
//
// Turns them into a plain struct; reads no file and no standard input itself.
#pragma once

#include <skein/base/result.h>

#include <span>
#include <string>

namespace skein {

struct CommandLine {
  enum class Task { kServe, kShowVersion, kShowHelp, kCheckSystem, kTestMemory };
  Task task = Task::kServe;
  std::string config_file;         // empty: none given
  bool config_from_stdin = false;  // "-" was the first or last word
  std::string options;             // the other words as lines of configuration
  bool sentinel = false;           // --sentinel, or started under a name with "sentinel"
  std::size_t test_megabytes = 0;  // of --test-memory
};

// `words[0]` is the program as it was started. Refuses only what names no task: a
// --test-memory without its number.
[[nodiscard]] Result<CommandLine> parse_command_line(std::span<const std::string> words);

// The text of --help, for a program started under this name.
[[nodiscard]] std::string help_text(std::string_view program);

}  // namespace skein
