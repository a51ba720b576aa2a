// Whether the members agree, as far as an observer of all of them can tell.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host.h"

namespace skein::sim {

using Hosts = std::vector<std::unique_ptr<Host>>;

// What must be equal everywhere.
enum class Agreement {
  kMembers,  // everyone knows everyone by name and address, and nobody else
  kSlotMap,  // and who is primary, whose replica, and owner of each slot, owners included
  kHealth    // and nobody is suspected or failed, no two primaries share an epoch, all serve
};
// The first thing that is not so, in words; nothing when all agree. Every host must be up.
[[nodiscard]] std::optional<std::string> find_disagreement(const Hosts& hosts, Agreement wanted);

// Watches for members that go on serving while most primaries cannot reach them.
//
// It knows the network from above: who hears whom, directly or through others.
class IsolationWatch {
 public:
  // To be called several times a virtual second.
  void look(const Hosts& hosts, const Network& network, WorldTime now, Journal& journal);

 private:
  std::map<std::uint32_t, std::vector<WorldTime>> last_heard_;  // of each host, by each
  std::map<std::uint32_t, WorldTime> serving_since_;
  std::map<std::uint32_t, NodeId> ids_;                         // also of those that are down
};

}  // namespace skein::sim
