// The process title's template: `{name}` stands for a fact, `{{` for a brace.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace skein {

// What the names in proc-title-template stand for.
struct TitleFacts {
  std::string title;        // the program as it was started
  std::string listen_addr;  // "127.0.0.1:6379", "*:6379" or the unix socket
  std::string server_mode;  // "", "[cluster]" or "[sentinel]"
  std::string port;
  std::string tls_port;
  std::string unixsocket;
  std::string config_file;
};

// Blanks at the end are cut, as an empty {server-mode} leaves them. Nothing when a brace
// is left open or a name is unknown.
[[nodiscard]] std::optional<std::string> expand_title(std::string_view text, const TitleFacts& facts);

}  // namespace skein
