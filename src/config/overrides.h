// Options of the command line that CONFIG REWRITE has overruled.
//
// The command line has the last word, so a value that is changed while the server runs and written to the file would be
// gone with the next start. REWRITE notes beside it, in a comment, what the command line said: as long as it says the
// same, the file holds; with another value the command line is newer and holds again.
#pragma once

#include <skein/config/command_line.h>
#include <skein/config/directives.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace skein {

using Overrides = std::set<const Directive*>;
// Of each directive among the options, a fingerprint of all that they say about it.
using OptionPrints = std::map<const Directive*, std::uint64_t>;

// The words behind the file as lines: standard input, then the command line.
[[nodiscard]] std::string options_of(const CommandLine& command_line, const std::optional<std::string>& standard_input);
[[nodiscard]] OptionPrints fingerprints(std::string_view options);

// The comment that overrules what has this fingerprint, and whether a line is one.
[[nodiscard]] std::string overruling_comment(const Directive& directive, std::uint64_t fingerprint);
[[nodiscard]] bool is_overruling_comment(std::string_view line);

// The directives whose options do not count, by the comments in the file's text.
[[nodiscard]] Overrides overruled_options(std::string_view file_text, std::string_view options);

}  // namespace skein
