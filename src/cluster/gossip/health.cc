#include <skein/cluster/gossip/health.h>

#include <algorithm>

#include <skein/base/assert.h>

namespace skein {

NodeHealth& HealthTable::at(NodeIndex index) {
  SKEIN_ASSERT(index.value < rows_.size());
  return rows_[index.value];
}

const NodeHealth& HealthTable::at(NodeIndex index) const {
  SKEIN_ASSERT(index.value < rows_.size());
  return rows_[index.value];
}

void HealthTable::on_added(NodeIndex index, MonoTime now) {
  if (rows_.size() <= index.value) rows_.resize(std::size_t{index.value} + 1);
  rows_[index.value] = NodeHealth{.added = now};
}

void HealthTable::on_removed(NodeIndex index) {
  for (auto& row : rows_) withdraw_fail_report(row, index);
  at(index) = NodeHealth{};
}

bool add_fail_report(NodeHealth& health, NodeIndex reporter, MonoTime now) {
  for (auto& report : health.reports) {
    if (report.reporter != reporter) continue;
    report.at = now;
    return false;
  }
  health.reports.push_back({reporter, now});
  return true;
}

bool withdraw_fail_report(NodeHealth& health, NodeIndex reporter) {
  return std::erase_if(health.reports, [&](const FailReport& report) { return report.reporter == reporter; }) != 0;
}

std::size_t count_fail_reports(NodeHealth& health, const Topology& topology, MonoTime now, milliseconds node_timeout) {
  std::erase_if(health.reports,
                [&](const FailReport& report) { return now - report.at > kReportLifetimes * node_timeout; });
  return static_cast<std::size_t>(
      std::count_if(health.reports.begin(), health.reports.end(),
                    [&](const FailReport& report) { return topology.node(report.reporter).is_voter(); }));
}

}  // namespace skein
