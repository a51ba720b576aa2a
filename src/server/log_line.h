// A text as one line of the log, whoever wrote it: bounded, and without what would make it look like
// several lines or like something else on a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace skein {

// Of a line, without its stamp and its end.
constexpr std::size_t kLongestLogLine = 1024;

// Whether the text can stand in the log as it is.
[[nodiscard]] bool is_plain_log_line(std::string_view text);

// Control bytes and what is no UTF-8 as \n, \r, \t or \xHH. What is too long ends with its length in bytes.
[[nodiscard]] std::string log_line(std::string_view text);

}  // namespace skein
