// What happened in a run: counts by kind, the last lines before a failure, and the
// failure itself.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "event_queue.h"

namespace skein::sim {

enum class EventKind : std::uint8_t {
  kTick,
  kPacket,
  kLinkOpened,
  kLinkRefused,
  kLinkLost,
  kSave,
  kVote,
  kElectionWon,
  kForcedWon,   // by FAILOVER FORCE
  kTakenOver,   // by FAILOVER TAKEOVER
  kHandedOver,  // before a clean stop
  kWrite,
  kLostWrite,
  kFullCopy,
  kKeyMoved,
  kSlotMoved,
  kOperator,
  kCount
};
enum class FaultKind : std::uint8_t {
  kKill,
  kPowerLoss,
  kTornSave,
  kKillAfterVote,
  kPause,
  kCut,
  kOneWayCut,
  kPairCut,
  kBreakLinks,
  kStall,
  kSlow,
  kCorrupt,
  kRepeat,
  kClockJump,
  kSlowDisk,
  kFullDisk,
  kMove,
  kBumpEpochs,
  kStranger,
  kHostile,
  kSeveralPrimaries,
  kLaggingReplica,
  kFailover,
  kHandover,
  kEmptyRestart,
  kMinority,
  kSlotMove,
  kReplicationCut,
  kReplicate,
  kCount
};
[[nodiscard]] std::string_view event_name(EventKind kind);
[[nodiscard]] std::string_view fault_name(FaultKind kind);

// How often each kind occurred.
struct Tally {
  std::array<std::uint64_t, static_cast<std::size_t>(EventKind::kCount)> events{};
  std::array<std::uint64_t, static_cast<std::size_t>(FaultKind::kCount)> faults{};

  [[nodiscard]] std::uint64_t all_events() const;
  [[nodiscard]] std::uint64_t all_faults() const;
  [[nodiscard]] std::uint64_t count(EventKind kind) const { return events[static_cast<std::size_t>(kind)]; }
  [[nodiscard]] std::uint64_t count(FaultKind kind) const { return faults[static_cast<std::size_t>(kind)]; }
  Tally& operator+=(const Tally& other);
  // "events 5120: 4000 ticks, ...; faults 7: 2 kills, ..."
  [[nodiscard]] std::string line() const;
};

class Journal {
 public:
  // With `tell_all` every line is printed at once; see SKEIN_SIM_TRACE.
  Journal(const EventQueue& queue, bool tell_all) : queue_(queue), tell_all_(tell_all) {}

  void count(EventKind kind, std::uint64_t times = 1) { tally_.events[static_cast<std::size_t>(kind)] += times; }
  void count(FaultKind kind) { ++tally_.faults[static_cast<std::size_t>(kind)]; }
  void note(const std::string& line);
  // Worth telling only to who reads every line.
  void detail(const std::string& line);
  // A rule is broken. The first one stands; the run ends with it.
  void violation(std::string what);

  [[nodiscard]] const Tally& tally() const { return tally_; }
  [[nodiscard]] const std::optional<std::string>& broken() const { return broken_; }
  [[nodiscard]] std::string last_lines() const;
  // A number that two runs of one seed share exactly when they noted the same lines.
  [[nodiscard]] std::uint64_t fingerprint() const { return fingerprint_; }

 private:
  static constexpr std::size_t kKeptLines = 60;

  [[nodiscard]] std::string stamp(const std::string& line) const;

  const EventQueue& queue_;
  bool tell_all_;
  Tally tally_;
  std::deque<std::string> lines_;
  std::optional<std::string> broken_;
  std::uint64_t fingerprint_ = 0;
};

}  // namespace skein::sim
