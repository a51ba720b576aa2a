// CONFIG REWRITE: the old file's text and the present values to the new text.
//
// Keeps order and comments, changes a directive's line where it stands, adds what differs
// from its default at the end. What an included file or the command line would bring back at the
// next start is overruled, so that it finds the values that are present now. Writes no file.
#pragma once

#include <skein/config/parse.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace skein {

// By the file alone.
[[nodiscard]] std::string rewrite_config(std::string_view old_text, const Config& config);

// What the next start reads besides the file, if it is started by the same words in the same directory.
struct NextStart {
  const CommandLine& command_line;
  const std::optional<std::string>& standard_input;
  std::function<std::unique_ptr<ConfigFiles>()> files;  // as they are seen from there
};
struct RewrittenConfig {
  std::string text;
  std::vector<std::string_view> lost;  // directives whose present value the next start will not find all the same
  std::string refusal;                 // why the next start will fail; empty: it will not
};
[[nodiscard]] RewrittenConfig rewrite_config(std::string_view old_text, const Config& config, const NextStart& next);

}  // namespace skein
