#include <skein/replication/sync_verdict.h>

#include <skein/base/text.h>

namespace skein {

SyncVerdict judge_sync(std::string_view id, std::int64_t next_byte, const History& history, const ReplicationLog& log) {
  if (id == "?") return SyncVerdict::kNoHistory;
  const auto theirs = ReplicationId::parse(to_lower(id));
  if (!theirs || theirs->is_none()) return SyncVerdict::kUnknownId;
  const bool is_former = history.former && *theirs == history.former->id;
  if (*theirs != history.id && !is_former) return SyncVerdict::kUnknownId;
  // Before the subtraction: any number may come.
  if (next_byte < 1) return log.is_open() ? SyncVerdict::kTooOld : SyncVerdict::kNoBacklog;
  const ReplOffset at{next_byte - 1};
  if (!history.includes(*theirs, at)) return SyncVerdict::kBeyondFormer;
  if (!log.is_open()) return SyncVerdict::kNoBacklog;
  if (at > log.end()) return SyncVerdict::kAhead;
  return log.holds(at) ? SyncVerdict::kContinue : SyncVerdict::kTooOld;
}

}  // namespace skein
