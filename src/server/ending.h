// How a node comes to its end: from the wish to the moment in which it may save and stop.
//
//   none --begin--> handing over --a replica owns the slots--> over
//     |                  | nobody takes over
//     |                  v
//     +--------> waiting for replicas --all have everything, or shutdown-timeout--> over
//     |
//     +--> over, when it is to end now or there is nobody to wait for
//
// Decides; the daemon pauses writers, hands over, asks, saves. Until it is over it can be called off.
#pragma once

#include <cstdint>

#include <skein/base/time.h>
#include <skein/commands/node_actions.h>

namespace skein {

// What the daemon knows at the moment.
struct EndingFacts {
  bool can_hand_over = false;   // a primary with slots in a cluster that serves, and a replica in sync
  bool replicas_lag = false;    // one of them lacks something
  milliseconds timeout{};       // shutdown-timeout; zero: wait for nobody
};

class Ending {
 public:
  enum class Stage : std::uint8_t { kNone, kHandingOver, kWaitingForReplicas };
  enum class Step : std::uint8_t { kNothing, kHandOver, kWait, kEnd };

  // What is to be done first. The stage stays kNone with kEnd.
  [[nodiscard]] Step begin(const ShutdownRequest& request, const EndingFacts& facts, MonoTime now);
  // The handover has come to nothing.
  [[nodiscard]] Step on_not_handed_over(const EndingFacts& facts, MonoTime now);
  // As time goes and replicas tell how far they are. kWait: the handover has come to nothing.
  [[nodiscard]] Step judge(const EndingFacts& facts, MonoTime now);
  // It is over, or called off.
  void end() { *this = {}; }

  [[nodiscard]] Stage stage() const { return stage_; }
  [[nodiscard]] bool is_under_way() const { return stage_ != Stage::kNone; }
  [[nodiscard]] const ShutdownRequest& request() const { return request_; }
  [[nodiscard]] MonoTime deadline() const { return deadline_; }

 private:
  // A manual failover that has not succeeded by then will not; what is left of the time is
  // for replicas to catch up.
  static constexpr milliseconds kHandoverTime{5000};

  // A replica that takes over leaves its primary, and its claim may come later than the end of its link.
  static constexpr milliseconds kClaimTime{500};

  Step wait_or_end(const EndingFacts& facts, MonoTime now);

  Stage stage_ = Stage::kNone;
  ShutdownRequest request_;
  MonoTime deadline_{};
  MonoTime handover_until_{};
  bool replica_has_left_ = false;
};

}  // namespace skein
