#include <skein/config/title.h>

#include <array>
#include <utility>

namespace skein {

namespace {

std::optional<std::string_view> fact(std::string_view name, const TitleFacts& facts) {
  const std::array<std::pair<std::string_view, const std::string*>, 7> known{
      {{"title", &facts.title},
       {"listen-addr", &facts.listen_addr},
       {"server-mode", &facts.server_mode},
       {"port", &facts.port},
       {"tls-port", &facts.tls_port},
       {"unixsocket", &facts.unixsocket},
       {"config-file", &facts.config_file}}};
  for (const auto& [known_name, value] : known) {
    if (name == known_name) return *value;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> expand_title(std::string_view text, const TitleFacts& facts) {
  std::string out;
  while (!text.empty()) {
    const std::size_t brace = text.find('{');
    out += text.substr(0, brace);
    if (brace == std::string_view::npos) break;
    text.remove_prefix(brace + 1);
    if (text.starts_with('{')) {
      out += '{';
      text.remove_prefix(1);
      continue;
    }
    const std::size_t end = text.find('}');
    if (end == std::string_view::npos) return std::nullopt;
    const auto value = fact(text.substr(0, end), facts);
    if (!value) return std::nullopt;
    out += *value;
    text.remove_prefix(end + 1);
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

}  // namespace skein
