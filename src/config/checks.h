// What some texts must satisfy beyond being texts. The refusals are redis's own sentences where it has one.
#pragma once

#include <skein/base/result.h>

#include <string_view>

namespace skein {

Result<void> check_title(std::string_view text);
Result<void> check_shutdown_words(std::string_view text);
Result<void> check_activedefrag(std::string_view text);
Result<void> check_dbfilename(std::string_view text);
Result<void> check_appendfilename(std::string_view text);
Result<void> check_appenddirname(std::string_view text);
Result<void> check_hostname(std::string_view text);
// An address or a name that others are told; empty: none.
Result<void> check_host(std::string_view text);

}  // namespace skein
