// The examination as a whole, what findings are called, and how they name things. What is looked for is in
// doctor_service.cc, doctor_data.cc and doctor_reach.cc.
#include <skein/cluster/node/doctor.h>

#include <algorithm>

#include "doctor_parts.h"

namespace skein {
namespace doctor {

std::string own_address(const Patient& p) {
  const auto& address = p.topology.self().address;
  return fmt::format("{}:{}", address.ip.empty() ? "127.0.0.1" : address.ip, address.port);
}

std::string cli_at(const Node& node) {
  if (!node.address.is_known()) return fmt::format("at node {}, wherever it is:", node.id.view());
  return fmt::format("redis-cli -h {} -p {}", node.address.ip, node.address.port);
}

std::string forget_everywhere(const Patient& p, const Node& node) {
  return fmt::format("redis-cli --cluster call {} CLUSTER FORGET {}", own_address(p), node.id.view());
}

std::string forget_all(const Patient& p, const Nodes& nodes) {
  return list(nodes, [&](NodeIndex index) { return forget_everywhere(p, p.topology.node(index)); }, "; ");
}

std::string list_nodes(const Patient& p, const Nodes& nodes) {
  return list(nodes, [&](NodeIndex index) { return name_node(p.topology.node(index)); });
}

std::string span_text(nanoseconds span) {
  const auto whole = std::chrono::duration_cast<seconds>(span).count();
  if (whole < 1) return fmt::format("{} ms", std::chrono::duration_cast<milliseconds>(span).count());
  if (whole < 300) return fmt::format("{} s", whole);
  return whole < 7200 ? fmt::format("{} min", whole / 60) : fmt::format("{} h", whole / 3600);
}

bool is_settled(const Node& node) { return !node.flags.has_any(NodeFlag::kHandshake | NodeFlag::kNoAddress); }

bool is_unreachable(const Node& node) { return node.has_failed() || node.is_suspected(); }

milliseconds silence(const Patient& p, NodeIndex index) {
  const NodeHealth& heard = p.health.at(index);
  if (!heard.ping_pending()) return milliseconds{0};
  return std::chrono::duration_cast<milliseconds>(p.now - heard.ping_sent);
}

Findings collect(std::span<const Examination> examinations, const Patient& patient) {
  Findings all;
  for (const Examination examination : examinations) {
    for (Finding& finding : examination(patient)) all.push_back(std::move(finding));
  }
  return all;
}

}  // namespace doctor

std::string_view ailment_name(Ailment ailment) {
  switch (ailment) {
    case Ailment::kStateFail: return "kStateFail";
    case Ailment::kMinority: return "kMinority";
    case Ailment::kSlotsWithoutOwner: return "kSlotsWithoutOwner";
    case Ailment::kFailedPrimary: return "kFailedPrimary";
    case Ailment::kHoldingBack: return "kHoldingBack";
    case Ailment::kNoWriteLease: return "kNoWriteLease";
    case Ailment::kDuplicateId: return "kDuplicateId";
    case Ailment::kBusPortClosed: return "kBusPortClosed";
    case Ailment::kOwnBusPortClosed: return "kOwnBusPortClosed";
    case Ailment::kUnansweredMeet: return "kUnansweredMeet";
    case Ailment::kAddressUnknown: return "kAddressUnknown";
    case Ailment::kLoopbackAnnounced: return "kLoopbackAnnounced";
    case Ailment::kAnnouncedNameIsNoAddress: return "kAnnouncedNameIsNoAddress";
    case Ailment::kSuspected: return "kSuspected";
    case Ailment::kPrimaryLinkDown: return "kPrimaryLinkDown";
    case Ailment::kReplicaWithoutData: return "kReplicaWithoutData";
    case Ailment::kReplicaLags: return "kReplicaLags";
    case Ailment::kReplicasNotInSync: return "kReplicasNotInSync";
    case Ailment::kOpenSlots: return "kOpenSlots";
    case Ailment::kOpenSlotsElsewhere: return "kOpenSlotsElsewhere";
    case Ailment::kEqualEpochs: return "kEqualEpochs";
    case Ailment::kNoReplica: return "kNoReplica";
    case Ailment::kSameHost: return "kSameHost";
    case Ailment::kMajorityOnOneHost: return "kMajorityOnOneHost";
    case Ailment::kTooFewPrimaries: return "kTooFewPrimaries";
    case Ailment::kFailedNodeKnown: return "kFailedNodeKnown";
    case Ailment::kNodeTimeoutLow: return "kNodeTimeoutLow";
  }
  return "";
}

Severity severity_of(Ailment ailment) {
  switch (ailment) {
    case Ailment::kStateFail:
    case Ailment::kMinority:
    case Ailment::kSlotsWithoutOwner:
    case Ailment::kFailedPrimary:
    case Ailment::kHoldingBack:
    case Ailment::kNoWriteLease:
    case Ailment::kDuplicateId: return Severity::kCritical;
    case Ailment::kSameHost:
    case Ailment::kMajorityOnOneHost:
    case Ailment::kTooFewPrimaries:
    case Ailment::kFailedNodeKnown:
    case Ailment::kNodeTimeoutLow: return Severity::kNotice;
    default: return Severity::kWarning;
  }
}

std::string_view severity_name(Severity severity) {
  switch (severity) {
    case Severity::kCritical: return "critical";
    case Severity::kWarning: return "warning";
    case Severity::kNotice: return "notice";
  }
  return "";
}

FindingCounts count_findings(std::span<const Finding> findings) {
  FindingCounts counts{.all = findings.size()};
  for (const Finding& finding : findings) {
    const Severity severity = severity_of(finding.ailment);
    counts.critical += severity == Severity::kCritical ? 1 : 0;
    counts.warning += severity == Severity::kWarning ? 1 : 0;
  }
  return counts;
}

std::string name_node(const Node& node) {
  if (!node.address.is_known()) return fmt::format("{} (address unknown)", node.id.view().substr(0, 8));
  return fmt::format("{}:{} ({})", node.address.ip, node.address.port, node.id.view().substr(0, 8));
}

std::string describe_slots(const SlotBitmap& slots) {
  const SlotRuns runs(slots.wire());
  return doctor::list(runs.ranges(), [](const auto& range) {
    return range.first == range.second ? std::to_string(range.first.value)
                                       : fmt::format("{}-{}", range.first.value, range.second.value);
  });
}

std::vector<Finding> examine_bus_ports(const Patient& patient) { return doctor::examine_ports(patient); }

std::vector<Finding> examine(const Patient& patient) {
  auto all = doctor::examine_service(patient);
  for (auto* part : {doctor::examine_data, doctor::examine_reach}) {
    for (Finding& finding : part(patient)) all.push_back(std::move(finding));
  }
  std::stable_sort(all.begin(), all.end(), [](const Finding& a, const Finding& b) { return a.ailment < b.ailment; });
  return all;
}

}  // namespace skein
