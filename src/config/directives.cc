#include <skein/base/assert.h>
#include <skein/base/text.h>
#include <skein/config/directives.h>

#include <algorithm>
#include <array>

#include "rows_cluster.h"
#include "rows_data.h"
#include "rows_server.h"

namespace skein {

namespace {

template <std::size_t... Sizes>
constexpr auto table(const std::pair<std::string_view, const std::array<Row, Sizes>&>&... groups) {
  std::array<Directive, (Sizes + ...)> all{};
  std::size_t next = 0;
  const auto append = [&](std::string_view title, const auto& rows) {
    for (const Row& row : rows) {
      all[next] = row;
      all[next++].group = title;
    }
  };
  (append(groups.first, groups.second), ...);
  return all;
}

template <std::size_t Size>
constexpr std::pair<std::string_view, const std::array<Row, Size>&> group(std::string_view title,
                                                                          const std::array<Row, Size>& rows) {
  return {title, rows};
}

constexpr auto kDirectives =
    table(group("Network and clients", kNetworkRows), group("Process", kProcessRows),
          group("Who may do what", kAccessRows), group("Keyspace and the loop", kKeyspaceRows),
          group("Memory", kMemoryRows), group("Encodings", kEncodingRows), group("Scripts", kScriptRows),
          group("Statistics", kStatisticsRows), group("Snapshots and append-only file", kPersistenceRows),
          group("Replication", kReplicationRows), group("Cluster", kClusterRows),
          group("Sentinel", kSentinelRows), group("TLS", kTlsRows), group("The file itself", kFileRows));

}  // namespace

std::span<const Directive> all_directives() {
  return kDirectives;
}

const Directive* find_directive(std::string_view name) {
  for (const auto& row : kDirectives) {
    if (equals_ignore_case(row.name, name)) return &row;
    if (!row.alias.empty() && equals_ignore_case(row.alias, name)) return &row;
  }
  return nullptr;
}

const Directive& directive(std::string_view name) {
  for (const auto& row : kDirectives) {
    if (row.name == name) return row;
  }
  SKEIN_ASSERT(!"a directive of this name");
  return kDirectives.front();
}

std::string_view nearest_directive(std::string_view name) {
  // Longer than any directive: nothing is near, and comparing would cost its length.
  if (name.size() > 64) return {};
  const std::string wanted = to_lower(name);
  // With more than a third of its letters wrong it is another word; two may be swapped.
  const std::size_t most = wanted.size() < 4 ? 1 : std::max<std::size_t>(2, wanted.size() / 3);
  std::size_t best = most + 1;
  std::string_view found;
  for (const auto& row : kDirectives) {
    if (row.is(kHidden) || row.standing == Standing::kIgnored || row.group == "Sentinel") continue;
    for (const std::string_view known : {row.name, row.alias}) {
      if (known.empty()) continue;
      const std::size_t distance = edit_distance(wanted, known);
      if (distance < best) {
        best = distance;
        found = known;
      }
    }
  }
  return found;
}

}  // namespace skein
