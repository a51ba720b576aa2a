#include "checks.h"

#include <skein/base/host_text.h>
#include <skein/base/text.h>
#include <skein/config/title.h>

#include <algorithm>
#include <string>

namespace skein {

namespace {

Result<void> must_be_a_plain_name(std::string_view text, const std::string& directive,
                                  const std::string& what) {
  if (text.find('/') == std::string_view::npos) return {};
  return Error(directive + " can't be a path, just a " + what);
}

bool has_word(std::string_view text, std::string_view word) {
  const std::string padded = " " + to_lower(text) + " ";
  return padded.find(" " + std::string(word) + " ") != std::string::npos;
}

}  // namespace

Result<void> check_title(std::string_view text) {
  if (!text.empty() && expand_title(text, TitleFacts{})) return {};
  return Error("template format is invalid or contains unknown variables");
}

Result<void> check_shutdown_words(std::string_view text) {
  if (!has_word(text, "save") || !has_word(text, "nosave")) return {};
  return Error("shutdown options SAVE and NOSAVE can't be used simultaneously");
}

Result<void> check_activedefrag(std::string_view text) {
  if (!equals_ignore_case(text, "yes")) return {};
  return Error(
      "Active defragmentation cannot be enabled: it requires a Redis server compiled with a modified "
      "Jemalloc like "
      "the one shipped by default with the Redis source distribution");
}

Result<void> check_dbfilename(std::string_view text) {
  return must_be_a_plain_name(text, "dbfilename", "filename");
}

Result<void> check_appendfilename(std::string_view text) {
  if (text.empty()) return Error("appendfilename can't be empty");
  return must_be_a_plain_name(text, "appendfilename", "filename");
}

Result<void> check_appenddirname(std::string_view text) {
  if (text.empty()) return Error("appenddirname can't be empty");
  return must_be_a_plain_name(text, "appenddirname", "dirname");
}

Result<void> check_hostname(std::string_view text) {
  // 255 characters is what the bus's ping extension and nodes.conf have room for.
  if (text.size() >= 256) return Error("Hostnames must be less than 256 characters");
  const bool fine = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
  if (!fine) return Error("Hostnames may only contain alphanumeric characters, hyphens or dots");
  return {};
}

Result<void> check_host(std::string_view text) {
  if (text.empty() || is_host_text(text)) return {};
  return Error("argument must be an address or a host name");
}

}  // namespace skein
