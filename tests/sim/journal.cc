#include "journal.h"

#include <fmt/format.h>
#include <skein/base/checksums.h>

namespace skein::sim {

std::string_view event_name(EventKind kind) {
  switch (kind) {
    case EventKind::kTick: return "ticks";
    case EventKind::kPacket: return "packets";
    case EventKind::kLinkOpened: return "links opened";
    case EventKind::kLinkRefused: return "links refused";
    case EventKind::kLinkLost: return "links lost";
    case EventKind::kSave: return "saves";
    case EventKind::kVote: return "votes";
    case EventKind::kElectionWon: return "elections won";
    case EventKind::kForcedWon: return "elections won by force";
    case EventKind::kTakenOver: return "takeovers";
    case EventKind::kHandedOver: return "handovers";
    case EventKind::kWrite: return "writes";
    case EventKind::kLostWrite: return "acknowledged writes lost";
    case EventKind::kFullCopy: return "full copies";
    case EventKind::kKeyMoved: return "keys moved";
    case EventKind::kSlotMoved: return "slots moved";
    case EventKind::kOperator: return "operator commands";
    case EventKind::kCount: break;
  }
  return "?";
}

std::string_view fault_name(FaultKind kind) {
  switch (kind) {
    case FaultKind::kKill: return "kills";
    case FaultKind::kPowerLoss: return "power losses";
    case FaultKind::kTornSave: return "power losses amid a save";
    case FaultKind::kKillAfterVote: return "kills after a vote";
    case FaultKind::kPause: return "pauses";
    case FaultKind::kCut: return "cuts";
    case FaultKind::kOneWayCut: return "one-way cuts";
    case FaultKind::kPairCut: return "cuts of a pair";
    case FaultKind::kBreakLinks: return "broken links";
    case FaultKind::kStall: return "stalls";
    case FaultKind::kSlow: return "slow networks";
    case FaultKind::kCorrupt: return "corrupted packets";
    case FaultKind::kRepeat: return "repeated packets";
    case FaultKind::kClockJump: return "clock jumps";
    case FaultKind::kSlowDisk: return "slow disks";
    case FaultKind::kFullDisk: return "full disks";
    case FaultKind::kMove: return "moves to another address";
    case FaultKind::kBumpEpochs: return "epochs bumped at once";
    case FaultKind::kStranger: return "strangers";
    case FaultKind::kHostile: return "malformed packets";
    case FaultKind::kSeveralPrimaries: return "failures of several primaries";
    case FaultKind::kLaggingReplica: return "failures before a lagging replica";
    case FaultKind::kFailover: return "failovers by an operator";
    case FaultKind::kHandover: return "stops with a handover";
    case FaultKind::kEmptyRestart: return "restarts without data";
    case FaultKind::kMinority: return "minorities cut off";
    case FaultKind::kSlotMove: return "slots on the move";
    case FaultKind::kReplicationCut: return "replicas that reach nobody";
    case FaultKind::kReplicate: return "replicas moved by an operator";
    case FaultKind::kCount: break;
  }
  return "?";
}

std::uint64_t Tally::all_events() const {
  std::uint64_t sum = 0;
  for (const auto n : events) sum += n;
  return sum;
}

std::uint64_t Tally::all_faults() const {
  std::uint64_t sum = 0;
  for (const auto n : faults) sum += n;
  return sum;
}

Tally& Tally::operator+=(const Tally& other) {
  for (std::size_t i = 0; i < events.size(); ++i) events[i] += other.events[i];
  for (std::size_t i = 0; i < faults.size(); ++i) faults[i] += other.faults[i];
  return *this;
}

std::string Tally::line() const {
  std::string text = fmt::format("events {}", all_events());
  char before = ':';
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (events[i] == 0) continue;
    text += fmt::format("{} {} {}", before, events[i], event_name(static_cast<EventKind>(i)));
    before = ',';
  }
  text += fmt::format("; faults {}", all_faults());
  before = ':';
  for (std::size_t i = 0; i < faults.size(); ++i) {
    if (faults[i] == 0) continue;
    text += fmt::format("{} {} {}", before, faults[i], fault_name(static_cast<FaultKind>(i)));
    before = ',';
  }
  return text;
}

std::string Journal::stamp(const std::string& line) const {
  const auto at = std::chrono::duration_cast<microseconds>(queue_.now().time_since_epoch()).count();
  return fmt::format("{:>4}.{:06} {}", at / 1000000, at % 1000000, line);
}

void Journal::note(const std::string& line) {
  auto stamped = stamp(line);
  fingerprint_ = crc64(fingerprint_, stamped);
  if (tell_all_) fmt::print("{}\n", stamped);
  lines_.push_back(std::move(stamped));
  if (lines_.size() > kKeptLines) lines_.pop_front();
}

void Journal::detail(const std::string& line) {
  if (tell_all_) fmt::print("{}\n", stamp(line));
}

void Journal::violation(std::string what) {
  if (broken_) return;
  note("VIOLATION: " + what);
  broken_ = std::move(what);
}

std::string Journal::last_lines() const {
  std::string text;
  for (const auto& line : lines_) text += "  " + line + "\n";
  return text;
}

}  // namespace skein::sim
