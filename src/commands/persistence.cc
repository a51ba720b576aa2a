// SAVE, BGSAVE and LASTSAVE: what may be asked for when. Writing the file is the node's.
#include "families.h"

#include <skein/commands/services.h>

namespace skein {

namespace {

// Why it failed is in the log.
constexpr std::string_view kFailed = "ERR";
constexpr std::string_view kUnderWay = "ERR Background save already in progress";

void save(Call& call) {
  // Nothing in the data changes, though the count of changes does.
  call.propagate_nothing();
  SnapshotActions& snapshots = *call.services.snapshots;
  if (snapshots.has_child()) {
    call.reply.error(kUnderWay);
  } else if (snapshots.save()) {
    call.reply.ok();
  } else {
    call.reply.error(kFailed);
  }
}

constexpr CommandSpec kSave{
    .name = "SAVE",
    .summary = "Writes the data to disk while everybody waits.",
    .complexity = "O(N), N being the keys of all databases",
    .since = "1.0.0",
    .group = Group::kServer,
    .arity = exactly(1),
    .flags = flag::kAdmin | flag::kNoScript | flag::kNoAsyncLoading | flag::kNoMulti,
    .handler = save,
};

// Inside a transaction, later calls of it would not be in the snapshot: it is made after it.
void bgsave(Call& call) {
  if (call.size() > 2 || (call.size() == 2 && !call.is_word(1, "schedule"))) {
    call.reply.error(errors::kSyntax);
    return;
  }
  SnapshotActions& snapshots = *call.services.snapshots;
  if (snapshots.has_child()) {
    call.reply.error(kUnderWay);
  } else if (call.origin == CallOrigin::kTransaction) {
    snapshots.schedule_save();
    call.reply.status("Background saving scheduled");
  } else if (snapshots.save_in_background()) {
    call.reply.status("Background saving started");
  } else {
    call.reply.error(kFailed);
  }
}

constexpr ArgSpec kBgsaveArgs[] = {
    {.name = "schedule", .type = ArgType::kPureToken, .token = "SCHEDULE", .flags = arg_flag::kOptional,
     .since = "3.2.2"},
};
constexpr HistoryEntry kBgsaveHistory[] = {
    {"3.2.2", "The option SCHEDULE."},
};
constexpr CommandSpec kBgsave{
    .name = "BGSAVE",
    .summary = "Writes the data to disk in a child process.",
    .complexity = "O(1)",
    .since = "1.0.0",
    .group = Group::kServer,
    .arity = at_least(1),
    .flags = flag::kAdmin | flag::kNoScript | flag::kNoAsyncLoading,
    .args = kBgsaveArgs,
    .history = kBgsaveHistory,
    .handler = bgsave,
};

void lastsave(Call& call) { call.reply.integer(call.services.snapshots->persistence_facts().last_save_unix); }

constexpr CommandSpec kLastsave{
    .name = "LASTSAVE",
    .summary = "Tells when the data was last written to disk.",
    .complexity = "O(1)",
    .since = "1.0.0",
    .group = Group::kServer,
    .arity = exactly(1),
    .flags = flag::kLoading | flag::kStale | flag::kFast,
    .acl_also = category::kAdmin | category::kDangerous,
    .tips = {"nondeterministic_output"},
    .handler = lastsave,
};

}  // namespace

SpecList persistence_commands() {
  static constexpr const CommandSpec* kSpecs[] = {&kBgsave, &kLastsave, &kSave};
  return kSpecs;
}

}  // namespace skein
