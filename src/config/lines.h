// What a line of a configuration file is made of, for the parser and CONFIG REWRITE alike.
#pragma once

#include <skein/config/directives.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace skein {

// Where an unquoted word beginning with '#' starts behind the words its directive needs;
// npos when there is none. Looks at quotes, so that a password may contain " #".
[[nodiscard]] std::size_t comment_start(std::string_view line);

struct ConfigLine {
  const Directive* row = nullptr;  // null: unknown
  std::vector<std::string> words;  // the directive's name first, never empty
  std::string_view comment;        // what was cut off, with its '#'
};

[[nodiscard]] std::string_view trim(std::string_view line);
// A line that is neither empty nor a comment, trimmed. Nothing when its quotes do not balance.
[[nodiscard]] std::optional<ConfigLine> split_config_line(std::string_view line);

}  // namespace skein
