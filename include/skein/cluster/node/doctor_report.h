// What CLUSTER DOCTOR tells, as data: the text and the JSON of the command are made from it, and INFO's counts.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <skein/base/ids.h>
#include <skein/base/time.h>
#include <skein/cluster/node/effects.h>

namespace skein {

// Of findings, by severity; the rest of `all` are notices.
struct FindingCounts {
  std::size_t all = 0;
  std::size_t critical = 0;
  std::size_t warning = 0;
};

struct DoctorReport {
  struct Finding {
    std::string name;      // of the ailment
    std::string severity;
    std::string text;
    std::string cure;
  };
  struct Decision {
    UnixMillis at;
    std::string verdict;
    std::string text;
  };
  NodeId id;
  std::string ip;
  std::uint16_t port = 0;
  bool is_primary = false;
  std::size_t slots = 0;  // of this node
  ClusterState state = ClusterState::kFail;
  std::size_t nodes = 0;
  std::size_t primaries_with_slots = 0;
  Epoch current_epoch;
  std::vector<Finding> findings;    // what stops service first
  std::vector<Decision> decisions;  // the last ones, oldest first
};

// For people.
[[nodiscard]] std::string format_report(const DoctorReport& report);

}  // namespace skein
