// INFO: which sections are wanted, and the small ones.
#include "info.h"

#include <algorithm>

#include <skein/base/text.h>

#include "server_specs.h"

namespace skein {

namespace {

void write_modules_section(const InfoSource&, InfoText&) {}

void write_cluster_section(const InfoSource& from, InfoText& to) {
  to.field("cluster_enabled", from.call.keyspace.context().cluster_mode);
  if (from.services.cluster == nullptr) return;
  const LeaseFigures lease = from.services.cluster->lease_figures();
  const bool held = lease.verdict == LeaseVerdict::kHeld;
  const auto left = held ? std::max(lease.end - from.call.now.mono, nanoseconds{0}) : nanoseconds{0};
  to.field("cluster_write_lease", lease_verdict_name(lease.verdict));
  // As a number: whether writes are executed now.
  const bool may_write =
      held || lease.verdict == LeaseVerdict::kAlone || lease.verdict == LeaseVerdict::kNotNeeded;
  to.field("cluster_write_lease_held", may_write ? 1 : 0);
  to.field("cluster_write_lease_left_ms", std::chrono::duration_cast<milliseconds>(left).count());
  to.field("cluster_write_lease_lapses", lease.lapses);
  const FindingCounts findings = from.services.cluster->count_findings(from.call.now);
  to.field("cluster_doctor_findings", findings.all);
  to.field("cluster_doctor_critical", findings.critical);
  to.field("cluster_doctor_warnings", findings.warning);
}

void write_keyspace_section(const InfoSource& from, InfoText& to) {
  const Keyspace& keyspace = from.call.keyspace;
  for (int i = 0; i < keyspace.count(); ++i) {
    const Database& db = keyspace.db(i);
    if (db.size() == 0) continue;
    to.field(fmt::format("db{}", i),
             fmt::format("keys={},expires={},avg_ttl={}", db.size(), db.expiring(), db.average_ttl()));
  }
}

struct Section {
  std::string_view name;
  std::string_view title;
  bool usual;  // told when nothing is asked for
  void (*write)(const InfoSource&, InfoText&);
};

constexpr Section kSections[] = {
    {"server", "Server", true, write_server_section},
    {"clients", "Clients", true, write_clients_section},
    {"memory", "Memory", true, write_memory_section},
    {"persistence", "Persistence", true, write_persistence_section},
    {"stats", "Stats", true, write_stats_section},
    {"replication", "Replication", true, write_replication_section},
    {"cpu", "CPU", true, write_cpu_section},
    {"modules", "Modules", true, write_modules_section},
    {"commandstats", "Commandstats", false, write_commandstats_section},
    {"errorstats", "Errorstats", true, write_errorstats_section},
    {"latencystats", "Latencystats", false, write_latencystats_section},
    {"cluster", "Cluster", true, write_cluster_section},
    {"keyspace", "Keyspace", true, write_keyspace_section},
};

// Whether one of the call's words asks for the section. Words nobody knows ask for none.
bool is_wanted(const Call& call, const Section& section) {
  if (call.size() == 1) return section.usual;
  for (std::size_t i = 1; i < call.size(); ++i) {
    if (call.is_word(i, "all") || call.is_word(i, "everything") || call.is_word(i, section.name)) return true;
    if (call.is_word(i, "default") && section.usual) return true;
    if (call.is_word(i, "module_list") && section.name == "modules") return true;
  }
  return false;
}

void info(Call& call) {
  const InfoFacts facts = call.services.actions.info_facts();
  const InfoSource source{.call = call, .services = call.services, .facts = facts};
  InfoText text;
  for (const Section& section : kSections) {
    if (!is_wanted(call, section)) continue;
    text.section(section.title);
    section.write(source, text);
  }
  call.reply.verbatim("txt", text.text());
}

}  // namespace

void InfoText::human(std::string_view name, std::uint64_t value) {
  constexpr std::string_view kUnits = "BKMGTPE";
  if (value < 1024) {
    field(name, fmt::format("{}B", value));
    return;
  }
  auto shown = static_cast<double>(value);
  std::size_t unit = 0;
  for (std::uint64_t rest = value; rest >= 1024 && unit + 1 < kUnits.size(); rest /= 1024) {
    shown /= 1024;
    ++unit;
  }
  field(name, fmt::format("{:.2f}{}", shown, kUnits[unit]));
}

void InfoText::bytes(std::string_view name, std::uint64_t value) {
  field(name, value);
  human(fmt::format("{}_human", name), value);
}

constexpr ArgSpec kInfoArgs[] = {{.name = "section", .flags = arg_flag::kOptional | arg_flag::kMultiple}};
constexpr HistoryEntry kInfoHistory[] = {
    {"7.0.0", "Several sections may be named."},
};
constexpr CommandSpec kInfo{
    .name = "INFO",
    .summary = "Tells about the server and how it does.",
    .complexity = "O(1)",
    .since = "1.0.0",
    .group = Group::kServer,
    .arity = at_least(1),
    .flags = flag::kLoading | flag::kStale,
    .acl_also = category::kDangerous,
    .args = kInfoArgs,
    .tips = {"nondeterministic_output", "request_policy:all_shards", "response_policy:special"},
    .history = kInfoHistory,
    .handler = info,
};

}  // namespace skein
