// docs/configuration.md is generated from the directive table: this test compares it, and
// writes it when SKEIN_WRITE_DOCS=1.
#include <skein/config/directives.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace skein {
namespace {

constexpr std::string_view kBegin =
    "<!-- generated from the directive table: SKEIN_WRITE_DOCS=1 unit_config -->\n";

std::string bytes(std::uint64_t value) {
  if (value == UINT64_MAX || value == INT64_MAX)
    return "2^" + std::string(value == INT64_MAX ? "63" : "64") + "-1";
  if (value != 0 && value % (1ULL << 20) == 0) return std::to_string(value >> 20) + "mb";
  return std::to_string(value);
}

std::string type_of(const Directive& row) {
  switch (row.kind) {
    case ValueKind::kBool: return "yes or no";
    case ValueKind::kInteger: return "integer";
    case ValueKind::kMemory: return "memory";
    case ValueKind::kMemoryOrPercent: return "memory or percent";
    case ValueKind::kOctal: return "octal";
    case ValueKind::kEnum: return "one of";
    case ValueKind::kEnumBits: return "some of";
    case ValueKind::kString: return "text";
    case ValueKind::kSpecial: return row.is(kManyWords) ? "list" : "text";
    case ValueKind::kFileOnly: return "";
  }
  return "";
}

std::string range_of(const Directive& row) {
  if (!row.words.empty()) {
    std::string text;
    for (const auto word : row.words) text += (text.empty() ? "" : ", ") + std::string(word);
    return text;
  }
  if (row.kind == ValueKind::kOctal) return "0 to 777";
  if (row.kind == ValueKind::kMemoryOrPercent) return "0 to " + bytes(row.highest) + ", or 0% to 100%";
  if (row.highest == 0) return "";
  if (row.kind == ValueKind::kMemory) {
    return bytes(static_cast<std::uint64_t>(row.lowest)) + " to " + bytes(row.highest);
  }
  return std::to_string(row.lowest) + " to " +
         (row.highest >= INT64_MAX ? bytes(row.highest) : std::to_string(row.highest));
}

std::string standing_of(const Directive& row) {
  switch (row.standing) {
    case Standing::kActs: return "acts";
    case Standing::kAccepted: return "accepted";
    case Standing::kRefused: return "refused";
    case Standing::kIgnored: return "ignored";
  }
  return "";
}

std::string code(std::string_view text) {
  return text.empty() ? "" : "`" + std::string(text) + "`";
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '<' ? "&lt;" : c == '|' ? "\\|" : std::string(1, c);
  return out;
}

std::string tables() {
  std::ostringstream out;
  out << kBegin;
  std::string_view group;
  for (const auto& row : all_directives()) {
    if (row.group != group) {
      group = row.group;
      out << "\n### " << group << "\n\n"
          << "| Directive | Type | Default | Values | Changes | Effect | Remarks "
             "|\n|---|---|---|---|---|---|---|\n";
    }
    std::string remarks = escaped(row.note);
    const auto remark = [&](const std::string& text) { remarks += (remarks.empty() ? "" : "; ") + text; };
    if (!row.alias.empty()) remark("also " + code(row.alias));
    if (row.is(kProtected)) remark("protected");
    if (row.is(kHidden)) remark("hidden from patterns");
    out << "| " << code(row.name) << " | " << type_of(row) << " | " << code(row.default_text) << " | "
        << range_of(row) << " | " << (row.change == Change::kWhileRunning ? "running" : "at start") << " | "
        << standing_of(row) << " | " << remarks << " |\n";
  }
  out << "\n## Accepted, without effect yet\n\n"
      << "Set to other than its default, each of these is named in one warning at start:\n\n";
  bool first = true;
  for (const auto& row : all_directives()) {
    if (row.standing != Standing::kAccepted || row.group == "Sentinel") continue;
    out << (first ? "" : ", ") << code(row.name);
    first = false;
  }
  out << ".\n\n## Refused until they act\n\nSet to other than its default, each of these stops the "
         "start:\n\n";
  first = true;
  for (const auto& row : all_directives()) {
    if (row.standing != Standing::kRefused) continue;
    out << (first ? "" : ", ") << code(row.name);
    first = false;
  }
  out << ".\n";
  return out.str();
}

TEST(Documentation, MatchesTheTable) {
  const std::string path = std::string(SKEIN_SOURCE_DIR) + "/docs/configuration.md";
  std::string text;
  {
    std::ifstream file(path);
    std::ostringstream all;
    all << file.rdbuf();
    text = all.str();
  }
  const std::size_t begin = text.find(kBegin);
  ASSERT_NE(begin, std::string::npos) << path << " has lost the line before its generated part";
  const std::string wanted = text.substr(0, begin) + tables();
  if (std::getenv("SKEIN_WRITE_DOCS") != nullptr) {
    std::ofstream(path) << wanted;
    return;
  }
  EXPECT_TRUE(text == wanted)
      << "docs/configuration.md is not what the directive table says. Write it anew with\n"
      << "  SKEIN_WRITE_DOCS=1 build/release/bin/unit_config --gtest_filter='Documentation.*'";
}

}  // namespace
}  // namespace skein
