// MEMORY: what a key takes.
#include <skein/base/text.h>
#include <skein/commands/services.h>

#include "help.h"
#include "server_specs.h"

namespace skein {

namespace {

// A value is one allocation whose size is known, so there is nothing to sample; the number
// is read because clients send it.
bool read_samples(Call& call) {
  for (std::size_t i = 3; i < call.size(); i += 2) {
    if (!call.is_word(i, "samples") || i + 1 >= call.size()) {
      call.reply.error(errors::kSyntax);
      return false;
    }
    const auto samples = call.integer(i + 1);
    if (!samples) return false;
    if (*samples < 0) {
      call.reply.error(errors::kSyntax);
      return false;
    }
  }
  return true;
}

void memory_usage(Call& call) {
  // A table's buckets hold seven entries in 64 bytes and are half to fully used.
  constexpr std::size_t kShareOfBucket = 12;
  if (!read_samples(call)) return;
  const Entry* entry = call.db().find(call.key(2));
  if (entry == nullptr) {
    call.reply.null();
  } else {
    call.reply.integer(static_cast<std::int64_t>(entry->memory() + kShareOfBucket));
  }
}

constexpr ArgSpec kMemoryUsageArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec = 0},
    {.name = "count", .type = ArgType::kInteger, .token = "SAMPLES", .flags = arg_flag::kOptional},
};
constexpr CommandSpec kMemoryUsage{
    .name = "USAGE",
    .summary = "Returns the memory a key takes.",
    .complexity = "O(N), N being the samples",
    .since = "4.0.0",
    .group = Group::kServer,
    .arity = at_least(3),
    .flags = flag::kReadOnly,
    .keys = {key_at(2, key_use::kReadOnly)},
    .args = kMemoryUsageArgs,
    .handler = memory_usage,
};

void memory_doctor(Call& call) {
  constexpr std::uint64_t kTooLittle = 5 * 1024 * 1024;
  const InfoFacts facts = call.services.actions.info_facts();
  std::string report;
  const auto used = static_cast<double>(facts.used_memory);
  if (facts.used_memory < kTooLittle) {
    report = "So little memory is in use that its figures say nothing.\n";
  } else {
    if (static_cast<double>(facts.peak_memory) > used * 1.5) {
      report += "More than one and a half times as much was in use at the peak: the process may keep what it got then.\n";
    }
    if (static_cast<double>(facts.resident) > used * 1.4) {
      report += "The process takes much more than is in use: memory is fragmented, or was freed lately.\n";
    }
    if (report.empty()) report = "Nothing unusual is seen in the figures of memory.\n";
  }
  call.reply.verbatim("txt", report);
}

constexpr CommandSpec kMemoryDoctor{
    .name = "DOCTOR",
    .summary = "Reports what the figures say.",
    .complexity = "O(1)",
    .since = "4.0.0",
    .group = Group::kServer,
    .arity = exactly(2),
    .tips = {"nondeterministic_output", "request_policy:all_shards", "response_policy:special"},
    .handler = memory_doctor,
};

constexpr CommandSpec kMemoryHelp{
    .name = "HELP",
    .summary = "Lists the subcommands.",
    .complexity = "O(1)",
    .since = "4.0.0",
    .group = Group::kServer,
    .arity = exactly(2),
    .flags = flag::kLoading | flag::kStale,
    .handler = reply_help,
};

constexpr const CommandSpec* kSubcommands[] = {&kMemoryDoctor, &kMemoryHelp, &kMemoryUsage};

}  // namespace

constexpr CommandSpec kMemory{
    .name = "MEMORY",
    .summary = "Tells where memory went.",
    .complexity = "Depends on the subcommand.",
    .since = "4.0.0",
    .group = Group::kServer,
    .arity = at_least(2),
    .subcommands = kSubcommands,
};

}  // namespace skein
