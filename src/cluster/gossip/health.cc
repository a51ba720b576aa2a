#include <skein/cluster/gossip/health.h>

#include <algorithm>

#include <skein/base/assert.h>

namespace skein {

namespace {

using Reports = std::vector<FailReport>;

// Where the reporter's word is, or belongs: with half of a large cluster down there are hundreds.
Reports::iterator place_of(Reports& reports, NodeIndex reporter) {
  return std::lower_bound(reports.begin(), reports.end(), reporter,
                          [](const FailReport& report, NodeIndex index) { return report.reporter < index; });
}

bool is_fresh(const FailReport& report, MonoTime now, milliseconds node_timeout) {
  return now - report.at <= kReportLifetimes * node_timeout;
}

bool is_of(const Reports& reports, Reports::iterator at, NodeIndex reporter) {
  return at != reports.end() && at->reporter == reporter;
}

}  // namespace

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

void note_progress(NodeHealth& replica, ReplOffset offset, ReplOffset of_primary, MonoTime now) {
  // A primary whose history has begun anew.
  replica.goal = std::min(replica.goal, of_primary);
  if (offset < replica.goal) return;
  replica.goal = of_primary;
  replica.in_step_at = now;
}

void forget_progress(NodeHealth& replica) {
  replica.goal = {};
  replica.in_step_at = {};
}

bool add_fail_report(NodeHealth& health, NodeIndex reporter, MonoTime now) {
  const auto at = place_of(health.reports, reporter);
  if (is_of(health.reports, at, reporter)) {
    at->at = now;
    return false;
  }
  health.reports.insert(at, {reporter, now});
  return true;
}

bool withdraw_fail_report(NodeHealth& health, NodeIndex reporter) {
  const auto at = place_of(health.reports, reporter);
  if (!is_of(health.reports, at, reporter)) return false;
  health.reports.erase(at);
  return true;
}

void drop_old_fail_reports(NodeHealth& health, MonoTime now, milliseconds node_timeout) {
  std::erase_if(health.reports, [&](const FailReport& report) { return !is_fresh(report, now, node_timeout); });
}

std::size_t count_fail_reports(const NodeHealth& health, const Topology& topology, MonoTime now,
                               milliseconds node_timeout) {
  return static_cast<std::size_t>(
      std::count_if(health.reports.begin(), health.reports.end(), [&](const FailReport& report) {
        return is_fresh(report, now, node_timeout) && topology.node(report.reporter).is_voter();
      }));
}

}  // namespace skein
