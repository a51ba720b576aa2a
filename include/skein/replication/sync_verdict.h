// Who may go on with the stream from where it is, and who needs a full sync.
#pragma once

#include <cstdint>
#include <string_view>

#include <skein/replication/history.h>
#include <skein/replication/log.h>

namespace skein {

enum class SyncVerdict : std::uint8_t {
  kContinue,      // what it has is a prefix of our history, and the log holds the rest
  kNoHistory,     // it says itself that it has none
  kUnknownId,     // its history is not ours and not our former one
  kBeyondFormer,  // it went on with the history we branched off from, past where we did
  kNoBacklog,     // nothing is kept for those who come back
  kTooOld,        // what it needs is no longer kept
  kAhead,         // it has more of our history than we have
};

// `next_byte` as PSYNC says it: one more than the offset of who asks. Everything but
// kContinue means a full sync.
[[nodiscard]] SyncVerdict judge_sync(std::string_view id, std::int64_t next_byte, const History& history,
                                     const ReplicationLog& log);

}  // namespace skein
