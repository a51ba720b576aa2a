// CLUSTER DOCTOR: for people as text, for programs as JSON.
#include <nlohmann/json.hpp>

#include "cluster.h"

namespace skein {

namespace {

// Names and addresses come from other nodes: what is no UTF-8 is replaced, and never an error.
std::string to_json(const DoctorReport& report) {
  using Json = nlohmann::ordered_json;
  Json findings = Json::array();
  for (const auto& finding : report.findings) {
    findings.push_back(
        {{"name", finding.name}, {"severity", finding.severity}, {"text", finding.text}, {"cure", finding.cure}});
  }
  Json decisions = Json::array();
  for (const auto& decision : report.decisions) {
    decisions.push_back({{"unix_ms", decision.at.value}, {"verdict", decision.verdict}, {"text", decision.text}});
  }
  const Json all = {{"id", report.id.view()},
                    {"ip", report.ip},
                    {"port", report.port},
                    {"role", report.is_primary ? "primary" : "replica"},
                    {"slots", report.slots},
                    {"state", report.state == ClusterState::kOk ? "ok" : "fail"},
                    {"known_nodes", report.nodes},
                    {"primaries_with_slots", report.primaries_with_slots},
                    {"current_epoch", report.current_epoch.value},
                    {"findings", std::move(findings)},
                    {"decisions", std::move(decisions)}};
  return all.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void doctor(Call& call, ClusterNode& member) {
  if (call.size() == 2) {
    call.reply.verbatim("txt", member.doctor_text(call.now));
  } else if (call.size() == 3 && call.is_word(2, "json")) {
    call.reply.bulk(to_json(member.doctor_report(call.now)));
  } else {
    call.reply.error(errors::wrong_arity("cluster|doctor"));
  }
}

constexpr ArgSpec kDoctorArgs[] = {{.name = "json", .type = ArgType::kPureToken, .token = "JSON", .flags = arg_flag::kOptional}};

}  // namespace

constexpr CommandSpec kClusterDoctor{
    .name = "DOCTOR",
    .summary = "Tells what is wrong with the cluster and what cures it, and this node's last decisions; as JSON for programs.",
    .complexity = "O(N) where N is the number of slots and nodes",
    .since = "7.0.0",
    .group = Group::kCluster,
    .arity = at_least(2),
    .flags = flag::kAdmin | flag::kStale,
    .args = kDoctorArgs,
    .tips = {"nondeterministic_output"},
    .handler = on_member<doctor>,
};

}  // namespace skein
