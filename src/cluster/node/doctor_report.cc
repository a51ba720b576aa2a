// The member's own part of CLUSTER DOCTOR: it lays itself open to the examination, and words the outcome.
#include <skein/cluster/node/doctor_report.h>

#include <chrono>
#include <iterator>

#include <fmt/format.h>

#include <skein/cluster/node/doctor.h>

#include "member.h"

namespace skein {

namespace {

// "2026-11-20 18:00:33.123", UTC.
std::string format_utc(UnixMillis time) {
  const auto days = static_cast<int>(time.value / 86'400'000);
  const auto rest = time.value % 86'400'000;
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{days}}};
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:03}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), rest / 3'600'000,
                     rest / 60'000 % 60, rest / 1000 % 60, rest % 1000);
}

}  // namespace

LinkFacts ClusterNode::Member::link_facts(NodeIndex index) const {
  const NodeLinks& link = links(index);
  return {.out_is_up = link.out_is_up,
          .in_exists = !link.in.is_none(),
          .out_created = link.out_created,
          .out_lost = link.out_lost,
          .open_slots = link.open_slots,
          .open_since = link.open_since};
}

template <typename Look>
auto ClusterNode::Member::look_at_self(MonoTime now, Look&& look) const {
  DataFacts data = data_;
  // A link that is new, to another primary perhaps, says nothing of how old the data is.
  if (self().is_replica()) data.primary_silence = data_age_.at(now);
  return look(Patient{.topology = topology_,
                      .health = health_,
                      .settings = settings_,
                      .state = state_,
                      .data = data,
                      .write_lease_end = write_lease_end(),
                      .holding_back = is_holding_back(),
                      .links = [this](NodeIndex index) { return link_facts(index); },
                      .lost_handshakes = lost_handshakes_,
                      .twins = twins_,
                      .started = started_,
                      .now = now});
}

FindingCounts ClusterNode::Member::count_own_findings(MonoTime now) const {
  return look_at_self(now, [](const Patient& patient) { return skein::count_findings(examine(patient)); });
}

std::vector<Finding> ClusterNode::Member::find_closed_ports(MonoTime now) const {
  return look_at_self(now, [](const Patient& patient) { return examine_bus_ports(patient); });
}

DoctorReport ClusterNode::Member::doctor_report(MonoTime now) const {
  const Node& node = self();
  DoctorReport report{.id = node.id,
                      .ip = node.address.ip,
                      .port = node.address.port,
                      .is_primary = node.is_primary(),
                      .slots = node.slot_count,
                      .state = state_,
                      .nodes = topology_.node_count(),
                      .primaries_with_slots = topology_.voter_count(),
                      .current_epoch = voter_.current_epoch,
                      .findings = {},
                      .decisions = {}};
  for (auto& found : look_at_self(now, [](const Patient& patient) { return examine(patient); })) {
    report.findings.push_back({std::string(ailment_name(found.ailment)),
                               std::string(severity_name(severity_of(found.ailment))), std::move(found.text),
                               std::move(found.cure)});
  }
  for (const Decision& decision : decisions_) report.decisions.push_back({decision.at, decision.verdict, decision.text});
  return report;
}

std::string format_report(const DoctorReport& report) {
  std::string text = fmt::format("The cluster as {}:{} sees it ({}, {}): state {}, {} nodes, {} primaries with slots, epoch {}\n",
                                 report.ip, report.port, report.id.view(),
                                 report.is_primary ? fmt::format("primary of {} slots", report.slots) : "replica",
                                 report.state == ClusterState::kOk ? "ok" : "fail", report.nodes,
                                 report.primaries_with_slots, report.current_epoch.value);
  const auto out = std::back_inserter(text);
  if (report.findings.empty()) text += "\nNothing is wrong that this node could see.\n";
  for (std::size_t i = 0; i < report.findings.size(); ++i) {
    const auto& finding = report.findings[i];
    fmt::format_to(out, "\n{}. {}: {} [{}]\n   cure: {}\n", i + 1, finding.severity, finding.text, finding.name, finding.cure);
  }
  if (report.decisions.empty()) return text;
  text += "\nLast decisions (UTC), the newest at the end:\n";
  for (const auto& decision : report.decisions) {
    fmt::format_to(out, "{} {}: {}\n", format_utc(decision.at), decision.verdict, decision.text);
  }
  return text;
}

}  // namespace skein
