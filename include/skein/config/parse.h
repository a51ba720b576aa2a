// Configuration text to a Config: redis.conf's syntax, `include`, the options of the
// command line.
//
// Opens nothing: whatever it needs from the disk it asks a ConfigFiles for.
#pragma once

#include <skein/base/result.h>
#include <skein/config/command_line.h>
#include <skein/config/config.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace skein {

// What reading a configuration may ask of the disk.
class ConfigFiles {
 public:
  virtual ~ConfigFiles() = default;
  // The whole file; the error is the system's word for it ("No such file or directory").
  virtual Result<std::string> read(const std::string& path) = 0;
  // The paths that match, sorted; none is no error.
  virtual std::vector<std::string> expand(const std::string& pattern) = 0;
  // Makes `path` the current directory: `dir` acts where it stands, so that relative
  // includes after it are found from there.
  virtual Result<void> enter_directory(const std::string& path) = 0;
  // The current directory, absolute and without links.
  virtual std::string directory() = 0;
};

// Where a line of configuration stands. `file` is what a reader would call it.
struct Origin {
  std::string file;
  int line = 0;
  [[nodiscard]] std::string str() const;  // "skein.conf:12"
};

struct ConfigNotice {
  Origin origin;
  std::string text;
};

struct RenamedCommand {
  std::string from;
  std::string to;  // empty: the command is gone
  Origin origin;
};

// A line whose directive belongs to another part: `sentinel`.
struct ForeignLine {
  std::vector<std::string> words;  // without the directive's name
  Origin origin;
};

struct LoadedConfig {
  Config config;
  std::vector<RenamedCommand> renamed_commands;
  std::vector<ForeignLine> sentinel_lines;
  // Comments behind values that were cut.
  std::vector<ConfigNotice> notices;
  // Directives set to other than the default that have no effect yet: one sentence each.
  std::vector<ConfigNotice> warnings;
};

// Everything a server starts from: the file, then standard input, then the options; the
// last word wins. The error is ready to print: file, line, directive, reason, and the near
// name when a directive is unknown.
[[nodiscard]] Result<LoadedConfig> load_config(const CommandLine& command_line,
                                               const std::optional<std::string>& standard_input,
                                               ConfigFiles& files);

// The same with this text in place of the file's.
[[nodiscard]] Result<LoadedConfig> load_config(std::string_view file_text, const CommandLine& command_line,
                                               const std::optional<std::string>& standard_input, ConfigFiles& files);

// One text alone, as if it were the file `name`.
[[nodiscard]] Result<LoadedConfig> parse_config(std::string_view text, const std::string& name,
                                                ConfigFiles& files);

// The error text for a line that parsed but that a later check refuses (a rename-command
// of a command that does not exist): "<file>:<line>: <directive>: <reason>".
[[nodiscard]] Error config_error(const Origin& origin, std::string_view directive, std::string_view reason);

}  // namespace skein
