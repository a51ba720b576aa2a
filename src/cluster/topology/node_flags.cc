#include <skein/cluster/topology/node_flags.h>

#include <array>
#include <utility>

namespace skein {

namespace {

// In the order CLUSTER NODES shows them.
constexpr std::array<std::pair<std::string_view, NodeFlag>, 8> kShownFlags{{
    {"myself", NodeFlag::kMyself},
    {"master", NodeFlag::kPrimary},
    {"slave", NodeFlag::kReplica},
    {"fail?", NodeFlag::kPfail},
    {"fail", NodeFlag::kFail},
    {"handshake", NodeFlag::kHandshake},
    {"noaddr", NodeFlag::kNoAddress},
    {"nofailover", NodeFlag::kNoFailover},
}};

}  // namespace

std::string format_node_flags(NodeFlags flags) {
  std::string text;
  for (const auto& [word, flag] : kShownFlags) {
    if (!flags.has(flag)) continue;
    if (!text.empty()) text += ',';
    text += word;
  }
  return text.empty() ? "noflags" : text;
}

Result<NodeFlags> parse_node_flags(std::string_view text) {
  NodeFlags flags;
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view word = text.substr(0, comma);
    bool known = word == "noflags";
    for (const auto& [name, flag] : kShownFlags) {
      if (word != name) continue;
      flags.set(flag);
      known = true;
    }
    if (!known) return Error("unknown node flag '" + std::string(word) + "'");
    if (comma == std::string_view::npos) return flags;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace skein
