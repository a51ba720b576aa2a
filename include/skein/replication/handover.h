// FAILOVER outside cluster mode: a primary hands over to one of its replicas and follows it.
//
//   none --begin--> waiting for sync --a replica has everything--> in progress --it took over--> none
//                        |                                             |
//                        +------ abort, timeout without FORCE ---------+--> none, as before
//
// Decides; the owner pauses writers, follows and comes back. Docs: docs/replication.md.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <skein/base/ids.h>
#include <skein/base/time.h>

namespace skein {

// A replica as its primary knows it.
struct HandoverCandidate {
  std::string host;
  std::uint16_t port = 0;
  bool is_online = false;
  ReplOffset acknowledged;
};

struct HandoverRequest {
  std::string host;  // empty: whoever is there first
  std::uint16_t port = 0;
  bool force = false;
  milliseconds timeout{};  // zero: none
};

enum class HandoverVerdict : std::uint8_t {
  kWait,
  kGo,               // a replica has everything, or time is up and FORCE was given
  kTimedOut,
};

class Handover {
 public:
  enum class State : std::uint8_t { kNone, kWaitingForSync, kInProgress };

  void begin(HandoverRequest request, MonoTime now);
  // While waiting for sync. With kGo `target` says whom to follow, and the state is kInProgress.
  [[nodiscard]] HandoverVerdict judge(std::span<const HandoverCandidate> replicas, ReplOffset ours, MonoTime now);
  // The replica took over, or the attempt is given up.
  void end() { *this = {}; }

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool is_under_way() const { return state_ != State::kNone; }
  [[nodiscard]] const HandoverCandidate& target() const { return target_; }
  [[nodiscard]] const HandoverRequest& request() const { return request_; }

 private:
  State state_ = State::kNone;
  HandoverRequest request_;
  MonoTime give_up_at_{};
  HandoverCandidate target_;
};

// As INFO prints it: "no-failover", "waiting-for-sync", "failover-in-progress".
[[nodiscard]] std::string_view name_of(Handover::State state);

}  // namespace skein
