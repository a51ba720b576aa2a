// What is wrong with a cluster, as one member can tell, and what cures it.
//
// A pure examination of what the member knows; it asks nobody and changes nothing. Which
// findings make a node log or act is not decided here: they are for the reader of CLUSTER
// DOCTOR. A healthy cluster has none.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <skein/base/time.h>
#include <skein/cluster/bus/packet.h>
#include <skein/cluster/gossip/health.h>
#include <skein/cluster/node/doctor_report.h>
#include <skein/cluster/node/node.h>
#include <skein/cluster/topology/topology.h>

namespace skein {

// In the order in which they are told: what stops service first.
enum class Ailment {
  kStateFail,
  kMinority,
  kSlotsWithoutOwner,
  kFailedPrimary,
  kHoldingBack,
  kNoWriteLease,
  kDuplicateId,
  kBusPortClosed,
  kOwnBusPortClosed,
  kUnansweredMeet,
  kAddressUnknown,
  kLoopbackAnnounced,
  kAnnouncedNameIsNoAddress,
  kSuspected,
  kPrimaryLinkDown,
  kReplicaWithoutData,
  kReplicaLags,
  kReplicasNotInSync,
  kOpenSlots,
  kOpenSlotsElsewhere,
  kEqualEpochs,
  kNoReplica,
  kSameHost,
  kMajorityOnOneHost,
  kTooFewPrimaries,
  kFailedNodeKnown,
  kNodeTimeoutLow  // the last one
};
[[nodiscard]] std::string_view ailment_name(Ailment ailment);

// How soon somebody has to look: service or data are at stake now, would be with the next failure, or might be better.
enum class Severity { kCritical, kWarning, kNotice };
[[nodiscard]] Severity severity_of(Ailment ailment);
[[nodiscard]] std::string_view severity_name(Severity severity);

struct Finding {
  Ailment ailment;
  std::string text;
  std::string cure;  // a command wherever there is one
  NodeIndex about = kNoNode;  // where it is about one node's bus port
};

// A member's bus connections: opened by this node, and by the member.
struct LinkFacts {
  bool out_is_up = false;
  bool in_exists = false;
  MonoTime out_created{};
  MonoTime out_lost{};  // when this node's, having been up, last broke
  // What the member shows of slots that are on their way, as far as it is told to everybody, and since when that is so.
  std::span<const ShownSlot> open_slots = {};
  MonoTime open_since{};
};

// A MEET that nobody answered, or not as a node of a cluster does.
struct LostHandshake {
  NodeAddress address;
  bool connected = false;  // somebody accepted the connection
  MonoTime at;
  bool by_stranger = false;  // he began it, by a MEET of his own
};

// One id was seen at two places.
struct TwinSighting {
  NodeId id;
  std::string one;
  std::string other;
  MonoTime at;
};

struct Patient {
  const Topology& topology;
  const HealthTable& health;
  const NodeSettings& settings;
  ClusterState state = ClusterState::kFail;
  DataFacts data;
  MonoTime write_lease_end = MonoTime::max();
  bool holding_back = false;
  std::function<LinkFacts(NodeIndex)> links;
  std::span<const LostHandshake> lost_handshakes;
  std::span<const TwinSighting> twins;
  MonoTime started;
  MonoTime now;
};

[[nodiscard]] std::vector<Finding> examine(const Patient& patient);
// Of these the bus ports that nobody reaches, this node's or others': kBusPortClosed and kOwnBusPortClosed.
[[nodiscard]] std::vector<Finding> examine_bus_ports(const Patient& patient);
[[nodiscard]] FindingCounts count_findings(std::span<const Finding> findings);

// "127.0.0.1:7001 (9cf28549)": a node as findings name it.
[[nodiscard]] std::string name_node(const Node& node);
// "0-49,100": slots as people write them.
[[nodiscard]] std::string describe_slots(const SlotBitmap& slots);

}  // namespace skein
