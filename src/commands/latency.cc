// LATENCY: how long the calls of each command took. Spikes of single events are not
// sampled, so what asks for samples says that there are none.
#include <skein/base/text.h>
#include <skein/commands/services.h>

#include "command_replies.h"
#include "help.h"
#include "server_specs.h"
#include "shown_text.h"

namespace skein {

namespace {

void latency_latest(Call& call) { call.reply.array(0); }

constexpr CommandSpec kLatencyLatest{
    .name = "LATEST",
    .summary = "Returns the latest sample of each event.",
    .complexity = "O(1)",
    .since = "2.8.13",
    .group = Group::kServer,
    .arity = exactly(2),
    .flags = flag::kAdmin | flag::kNoScript | flag::kLoading | flag::kStale,
    .tips = {"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"},
    .handler = latency_latest,
};

void latency_history(Call& call) { call.reply.array(0); }

constexpr ArgSpec kLatencyHistoryArgs[] = {{.name = "event"}};
constexpr CommandSpec kLatencyHistory{
    .name = "HISTORY",
    .summary = "Returns the samples of an event.",
    .complexity = "O(1)",
    .since = "2.8.13",
    .group = Group::kServer,
    .arity = exactly(3),
    .flags = flag::kAdmin | flag::kNoScript | flag::kLoading | flag::kStale,
    .args = kLatencyHistoryArgs,
    .tips = {"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"},
    .handler = latency_history,
};

void latency_graph(Call& call) {
  call.reply.error(fmt::format("ERR No samples available for event '{}'", shown_text(call.arg(2))));
}

constexpr ArgSpec kLatencyGraphArgs[] = {{.name = "event"}};
constexpr CommandSpec kLatencyGraph{
    .name = "GRAPH",
    .summary = "Draws the samples of an event.",
    .complexity = "O(1)",
    .since = "2.8.13",
    .group = Group::kServer,
    .arity = exactly(3),
    .flags = flag::kAdmin | flag::kNoScript | flag::kLoading | flag::kStale,
    .args = kLatencyGraphArgs,
    .tips = {"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"},
    .handler = latency_graph,
};

void latency_doctor(Call& call) {
  call.reply.verbatim("txt", "No event has been sampled, so there is nothing to report. LATENCY HISTOGRAM tells how "
                             "long the calls of each command took.\n");
}

constexpr CommandSpec kLatencyDoctor{
    .name = "DOCTOR",
    .summary = "Reports what the samples say.",
    .complexity = "O(1)",
    .since = "2.8.13",
    .group = Group::kServer,
    .arity = exactly(2),
    .flags = flag::kAdmin | flag::kNoScript | flag::kLoading | flag::kStale,
    .tips = {"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"},
    .handler = latency_doctor,
};

// How many events had samples to forget.
void latency_reset(Call& call) { call.reply.integer(0); }

constexpr ArgSpec kLatencyResetArgs[] = {{.name = "event", .flags = arg_flag::kOptional | arg_flag::kMultiple}};
constexpr CommandSpec kLatencyReset{
    .name = "RESET",
    .summary = "Forgets the samples of events.",
    .complexity = "O(1)",
    .since = "2.8.13",
    .group = Group::kServer,
    .arity = at_least(2),
    .flags = flag::kAdmin | flag::kNoScript | flag::kLoading | flag::kStale,
    .args = kLatencyResetArgs,
    .tips = {"request_policy:all_nodes", "response_policy:all_succeeded"},
    .handler = latency_reset,
};

// Calls up to each doubling of a microsecond, in as many steps as have calls in them.
struct Step {
  std::int64_t micros;
  std::uint64_t calls;  // in this step and those before
};

std::vector<Step> steps_of(const LatencyHistogram& histogram, double ticks_per_micro) {
  std::vector<Step> steps;
  const std::uint64_t all = histogram.count();
  std::uint64_t before = 0;
  for (std::uint64_t nanos = 1024; before < all && nanos < (std::uint64_t{1} << 62); nanos *= 2) {
    // Redis's buckets of one doubling end a hundredth above it.
    const std::uint64_t edge = nanos + nanos / 128 - 1;
    const std::uint64_t calls = histogram.count_up_to(static_cast<Ticks>(static_cast<double>(edge) / 1000 * ticks_per_micro));
    if (calls == before) continue;
    steps.push_back({static_cast<std::int64_t>(edge / 1000), calls});
    before = calls;
  }
  return steps;
}

void write_distribution(Call& call, const Command& command, const CommandFigures& figures) {
  const auto steps = steps_of(*figures.latency, call.services.facts.ticks_per_micro);
  call.reply.bulk(command.name);
  call.reply.map(2);
  call.reply.bulk("calls");
  call.reply.integer(static_cast<std::int64_t>(figures.latency->count()));
  call.reply.bulk("histogram_usec");
  call.reply.map(steps.size());
  for (const Step& step : steps) {
    call.reply.integer(step.micros);
    call.reply.integer(static_cast<std::int64_t>(step.calls));
  }
}

void latency_histogram(Call& call) {
  std::vector<const Command*> wanted;
  const auto want = [&](const Command& command) {
    const auto& figures = call.services.stats.figures()[command.index];
    if (figures.latency != nullptr && is_listed(command)) wanted.push_back(&command);
  };
  if (call.size() == 2) {
    for (const auto& command : call.services.commands.all()) want(*command);
  }
  for (std::size_t i = 2; i < call.size(); ++i) {
    const Command* command = call.services.commands.find_full(call.arg(i));
    if (command == nullptr) continue;
    want(*command);
    for (const Command* sub : command->subcommands) want(*sub);
  }
  call.reply.map(wanted.size());
  for (const Command* command : wanted) {
    write_distribution(call, *command, call.services.stats.figures()[command->index]);
  }
}

constexpr ArgSpec kLatencyHistogramArgs[] = {{.name = "command", .flags = arg_flag::kOptional | arg_flag::kMultiple}};
constexpr CommandSpec kLatencyHistogram{
    .name = "HISTOGRAM",
    .summary = "Returns how long the calls of commands took, as a distribution.",
    .complexity = "O(N), N being the commands asked for",
    .since = "7.0.0",
    .group = Group::kServer,
    .arity = at_least(2),
    .flags = flag::kAdmin | flag::kNoScript | flag::kLoading | flag::kStale,
    .args = kLatencyHistogramArgs,
    .tips = {"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"},
    .handler = latency_histogram,
};

constexpr CommandSpec kLatencyHelp{
    .name = "HELP",
    .summary = "Lists the subcommands.",
    .complexity = "O(1)",
    .since = "2.8.13",
    .group = Group::kServer,
    .arity = exactly(2),
    .flags = flag::kLoading | flag::kStale,
    .handler = reply_help,
};

constexpr const CommandSpec* kSubcommands[] = {&kLatencyDoctor,    &kLatencyGraph,   &kLatencyHelp,  &kLatencyHistogram,
                                               &kLatencyHistory, &kLatencyLatest, &kLatencyReset};

}  // namespace

constexpr CommandSpec kLatency{
    .name = "LATENCY",
    .summary = "Tells where time went.",
    .complexity = "Depends on the subcommand.",
    .since = "2.8.13",
    .group = Group::kServer,
    .arity = at_least(2),
    .subcommands = kSubcommands,
};

}  // namespace skein
