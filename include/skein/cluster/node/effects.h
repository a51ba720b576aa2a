// What a ClusterNode wants done, in order.
//
// The owner carries effects out one after the other. Those that promise something which
// must survive a crash are handed out only when the save before them has been reported
// complete, so an owner never has to hold one back.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <skein/base/ids.h>
#include <skein/base/time.h>
#include <skein/cluster/bus/message_type.h>

namespace skein {

struct UnsavedState;

// One bus connection to a member. Outbound ones are opened on the node's request and named
// by it; inbound ones are accepted and numbered by the owner. A number is never used twice.
class LinkId {
 public:
  constexpr LinkId() = default;
  static constexpr LinkId outbound(std::uint64_t number) { return LinkId{number << 1}; }
  static constexpr LinkId inbound(std::uint64_t number) { return LinkId{number << 1 | 1}; }
  [[nodiscard]] constexpr bool is_inbound() const { return (value_ & 1) != 0; }
  [[nodiscard]] constexpr bool is_none() const { return value_ == 0; }
  [[nodiscard]] constexpr std::uint64_t value() const { return value_; }
  friend constexpr auto operator<=>(LinkId, LinkId) = default;

 private:
  constexpr explicit LinkId(std::uint64_t value) : value_(value) {}
  std::uint64_t value_ = 0;
};

struct SaveTicket {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(SaveTicket, SaveTicket) = default;
};

// Connect to a member; report on_link_up or on_link_down, once.
struct OpenLink {
  LinkId link;
  NodeId node;
  std::string ip;
  std::uint16_t bus_port = 0;
};

// Close it and forget it; on_link_down is not expected for it any more (and does no harm).
struct CloseLink {
  LinkId link;
};

// Shared, because a broadcast sends the same bytes to every member.
using PacketBytes = std::shared_ptr<const std::string>;

// Bytes for a link. When the link is gone they are dropped.
struct SendPacket {
  LinkId link;
  MessageType type = MessageType::kPing;
  PacketBytes bytes;
  // Heartbeats, votes, FAIL and UPDATE leave before messages of clients.
  [[nodiscard]] bool is_urgent() const {
    return type != MessageType::kPublish && type != MessageType::kPublishShard && type != MessageType::kModule;
  }
};

// Make nodes.conf hold this state's text so that it survives a crash, then report on_saved with the
// ticket. One save is under way at a time; what changes meanwhile goes into the next. An
// owner that cannot save tries again: until it has, nothing that depends on it is handed out.
struct SaveTopology {
  SaveTicket ticket;
  std::shared_ptr<const UnsavedState> state;
};

// These slots belong to another node now: delete their keys, at once, before the next command.
struct SlotsLost {
  std::vector<Slot> slots;
};

// This node is a replica: copy from there, and drop a connection to anywhere else.
struct ReplicateFrom {
  NodeId primary;
  std::string ip;
  std::uint16_t port = 0;  // of clients
};

// This node is a primary again.
struct StopReplicating {};

// Throw away all keys: CLUSTER RESET on a replica.
struct EmptyDataset {};

// A replica is about to take over on request: clients' writes wait, until `until` at most.
struct PauseWriters {
  MonoTime until;
};

// It has taken over, or has not come to it: they wait no longer.
struct ResumeWriters {};

// What begin_handover led to. When it succeeded another node owns this one's slots and this
// one is to end without another word: it still shows the others a primary.
struct HandoverEnded {
  // A replica that could take over and is no Skein: it has to be asked as a client is,
  // with CLUSTER FAILOVER. So far nobody is paused; if it does stand, a second HandoverEnded
  // tells what came of it.
  struct AskAsClient {
    NodeId replica;
    std::string ip;
    std::uint16_t port = 0;  // of clients, without TLS where it has both
  };
  bool handed_over = false;
  std::string why;  // when it failed
  std::optional<AskAsClient> ask_as_client;
};

// Call on_wake then: the next tick may be too late by most of its length. It takes the place of what
// was asked for before.
struct WakeAt {
  MonoTime at;
};

enum class ClusterState : std::uint8_t { kOk, kFail };

// Whether the cluster serves has changed, as cluster_state shows.
struct StateChanged {
  ClusterState state = ClusterState::kFail;
};

enum class EventLevel : std::uint8_t { kDebug, kVerbose, kNotice, kWarning };

// Something an operator may want to read. The node itself writes no log.
struct LogEvent {
  EventLevel level = EventLevel::kNotice;
  std::string text;
};

using Effect = std::variant<OpenLink, CloseLink, SendPacket, SaveTopology, SlotsLost, ReplicateFrom, StopReplicating,
                            EmptyDataset, PauseWriters, ResumeWriters, HandoverEnded, WakeAt, StateChanged, LogEvent>;
using Effects = std::vector<Effect>;

}  // namespace skein
