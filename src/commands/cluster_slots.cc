// CLUSTER subcommands about slots: who owns them, where they move, which keys are in them.
#include <skein/base/checksums.h>
#include <skein/base/text.h>

#include "cluster.h"

namespace skein {

namespace {

constexpr std::uint32_t kEditFlags = flag::kAdmin | flag::kStale | flag::kNoAsyncLoading;

constexpr ArgSpec kSlotsArgs[] = {{.name = "slot", .type = ArgType::kInteger, .flags = arg_flag::kMultiple}};
constexpr ArgSpec kRangeArgs[] = {{.name = "start-slot", .type = ArgType::kInteger},
                                  {.name = "end-slot", .type = ArgType::kInteger}};
constexpr ArgSpec kRangesArgs[] = {{.name = "start-slot_end-slot",
                                    .type = ArgType::kBlock,
                                    .flags = arg_flag::kMultiple,
                                    .arguments = kRangeArgs}};

void addslots(Call& call, ClusterNode& member) {
  conclude(call, member.add_slots(own_arguments(call), call.now));
}

void delslots(Call& call, ClusterNode& member) {
  conclude(call, member.del_slots(own_arguments(call), call.now));
}

bool has_whole_ranges(Call& call) {
  if (call.size() % 2 == 0) return true;
  call.reply.error(errors::wrong_arity(call.command.name));
  return false;
}

void addslotsrange(Call& call, ClusterNode& member) {
  if (!has_whole_ranges(call)) return;
  conclude(call, member.add_slot_ranges(own_arguments(call), call.now));
}

void delslotsrange(Call& call, ClusterNode& member) {
  if (!has_whole_ranges(call)) return;
  conclude(call, member.del_slot_ranges(own_arguments(call), call.now));
}

void flushslots(Call& call, ClusterNode& member) { conclude(call, member.flush_slots(call.now)); }

void setslot(Call& call, ClusterNode& member) {
  if (waits_in_doubt(call, member)) return;
  const auto done = member.set_slot(own_arguments(call), call.now);
  // Keys on their way were sent by what the slot's state was.
  const auto slot = parse_int64(call.arg(2));
  if (done && slot && call.services.migrations != nullptr) {
    call.services.migrations->end_flights(Slot{static_cast<std::uint16_t>(*slot)});
  }
  call.services.actions.carry_out_slot_move();
  answer_carried_out(call, done, [&] { call.reply.ok(); });
}

bool is_slot(std::int64_t number) { return number >= 0 && number < kSlotCount; }

void countkeysinslot(Call& call, ClusterNode&) {
  const auto slot = call.integer(2);
  if (!slot) return;
  if (!is_slot(*slot)) {
    call.reply.error("ERR Invalid slot");
    return;
  }
  const Slot which{static_cast<std::uint16_t>(*slot)};
  call.reply.integer(static_cast<std::int64_t>(call.keyspace.db(0).count_in_slot(which)));
}

void getkeysinslot(Call& call, ClusterNode&) {
  const auto slot = call.integer(2);
  if (!slot) return;
  const auto count = call.integer(3);
  if (!count) return;
  if (!is_slot(*slot) || *count < 0) {
    call.reply.error("ERR Invalid slot or number of keys");
    return;
  }
  const Slot which{static_cast<std::uint16_t>(*slot)};
  const auto keys = call.keyspace.db(0).keys_in_slot(which, static_cast<std::size_t>(*count));
  call.reply.array(keys.size());
  for (const auto& key : keys) call.reply.bulk(key);
}

void keyslot(Call& call, ClusterNode&) { call.reply.integer(slot_of_key(call.arg(2)).value); }

constexpr ArgSpec kSlotArg[] = {{.name = "slot", .type = ArgType::kInteger}};
constexpr ArgSpec kSlotCountArgs[] = {{.name = "slot", .type = ArgType::kInteger},
                                      {.name = "count", .type = ArgType::kInteger}};
constexpr ArgSpec kKeyArg[] = {{.name = "key", .type = ArgType::kString}};
constexpr ArgSpec kSetslotActions[] = {{.name = "node-id", .token = "IMPORTING"},
                                       {.name = "node-id", .token = "MIGRATING"},
                                       {.name = "node-id", .token = "NODE"},
                                       {.name = "stable", .type = ArgType::kPureToken, .token = "STABLE"}};
constexpr ArgSpec kSetslotArgs[] = {{.name = "slot", .type = ArgType::kInteger},
                                    {.name = "subcommand", .type = ArgType::kOneOf, .arguments = kSetslotActions}};

}  // namespace

constexpr CommandSpec kClusterAddslots{
    .name = "ADDSLOTS",
    .summary = "Makes this node the owner of slots that nobody owns.",
    .complexity = "O(N) where N is the total number of hash slot arguments",
    .since = "3.0.0",
    .group = Group::kCluster,
    .arity = at_least(3),
    .flags = kEditFlags,
    .args = kSlotsArgs,
    .handler = on_member<addslots>,
};

constexpr CommandSpec kClusterAddslotsrange{
    .name = "ADDSLOTSRANGE",
    .summary = "Makes this node the owner of whole ranges of slots that nobody owns.",
    .complexity = "O(N) where N is the total number of the slots between the start slot and end slot arguments.",
    .since = "7.0.0",
    .group = Group::kCluster,
    .arity = at_least(4),
    .flags = kEditFlags,
    .args = kRangesArgs,
    .handler = on_member<addslotsrange>,
};

constexpr CommandSpec kClusterCountkeysinslot{
    .name = "COUNTKEYSINSLOT",
    .summary = "Tells how many keys of a slot this node holds.",
    .complexity = "O(1)",
    .since = "3.0.0",
    .group = Group::kCluster,
    .arity = exactly(3),
    .flags = flag::kStale,
    .args = kSlotArg,
    .handler = on_member<countkeysinslot>,
};

constexpr CommandSpec kClusterDelslots{
    .name = "DELSLOTS",
    .summary = "Makes this node forget who owns some slots.",
    .complexity = "O(N) where N is the total number of hash slot arguments",
    .since = "3.0.0",
    .group = Group::kCluster,
    .arity = at_least(3),
    .flags = kEditFlags,
    .args = kSlotsArgs,
    .handler = on_member<delslots>,
};

constexpr CommandSpec kClusterDelslotsrange{
    .name = "DELSLOTSRANGE",
    .summary = "Makes this node forget who owns whole ranges of slots.",
    .complexity = "O(N) where N is the total number of the slots between the start slot and end slot arguments.",
    .since = "7.0.0",
    .group = Group::kCluster,
    .arity = at_least(4),
    .flags = kEditFlags,
    .args = kRangesArgs,
    .handler = on_member<delslotsrange>,
};

constexpr CommandSpec kClusterFlushslots{
    .name = "FLUSHSLOTS",
    .summary = "Gives up all slots of a node that holds no keys.",
    .complexity = "O(1)",
    .since = "3.0.0",
    .group = Group::kCluster,
    .arity = exactly(2),
    .flags = kEditFlags,
    .handler = on_member<flushslots>,
};

constexpr CommandSpec kClusterGetkeysinslot{
    .name = "GETKEYSINSLOT",
    .summary = "Lists keys of a slot that this node holds.",
    .complexity = "O(log(N)) where N is the number of requested keys",
    .since = "3.0.0",
    .group = Group::kCluster,
    .arity = exactly(4),
    .flags = flag::kStale,
    .args = kSlotCountArgs,
    .tips = {"nondeterministic_output"},
    .handler = on_member<getkeysinslot>,
};

constexpr CommandSpec kClusterKeyslot{
    .name = "KEYSLOT",
    .summary = "Tells which slot a key is in.",
    .complexity = "O(N) where N is the number of bytes in the key",
    .since = "3.0.0",
    .group = Group::kCluster,
    .arity = exactly(3),
    .flags = flag::kStale,
    .args = kKeyArg,
    .handler = on_member<keyslot>,
};

constexpr CommandSpec kClusterSetslot{
    .name = "SETSLOT",
    .summary = "Says who owns a slot, or begins or ends its move.",
    .complexity = "O(1)",
    .since = "3.0.0",
    .group = Group::kCluster,
    .arity = at_least(4),
    .flags = kEditFlags,
    .args = kSetslotArgs,
    .handler = on_member<setslot>,
};

}  // namespace skein
