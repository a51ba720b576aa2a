// What operators are told of decisions: a log line each, and CLUSTER DOCTOR.
#include "member.h"

namespace skein {

namespace {
constexpr std::size_t kKeptDecisions = 32;
}  // namespace

void ClusterNode::Member::decide(EventLevel level, std::string_view verdict, std::string text, Now now) {
  if (decisions_.size() >= kKeptDecisions) decisions_.pop_front();
  decisions_.push_back({now.wall, std::string(verdict), text});
  log(level, std::move(text));
}

std::string ClusterNode::Member::doctor_text(Now) const { return {}; }

}  // namespace skein
