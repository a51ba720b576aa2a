// What may stand in a call's way, as bits.
//
// A command's spec says which gates it has to pass (`Command::gates`); the node and the
// session say which are shut at the moment. When the three have no bit in common, the usual
// case, a call goes straight to its handler: one mask test for all checks.
#pragma once

#include <cstdint>

namespace skein::gate {

enum : std::uint32_t {
  // Shut by the session.
  kAuth = 1U << 0,         // not authenticated
  kMulti = 1U << 1,        // collecting a transaction
  kReplyMode = 1U << 2,    // CLIENT REPLY OFF or SKIP
  kOneShot = 1U << 3,      // ASKING: forgotten after the next command
  // Shut by the node.
  kCluster = 1U << 8,      // keys must be routed
  kPauseWrite = 1U << 9,
  kPauseAll = 1U << 10,
  kMemory = 1U << 11,      // maxmemory reached
  kReadOnly = 1U << 12,    // a read-only replica
  kStale = 1U << 13,       // a replica that lost its primary
  kLoading = 1U << 14,
  kDebug = 1U << 15,       // enable-debug-command does not allow everybody
  kDisk = 1U << 16,        // snapshots fail and stop-writes-on-bgsave-error says so
  kFewReplicas = 1U << 17, // min-replicas-to-write
  kLease = 1U << 18,       // a primary that may have been replaced: writes wait
  kFlight = 1U << 19,      // keys are on their way to another node: calls that touch them wait
  // EXEC has to pass these when one of the calls it would run has to.
  kJudgedByCalls = kPauseWrite | kMemory | kDisk | kFewReplicas | kReadOnly | kStale | kLoading | kLease,
};

}  // namespace skein::gate
