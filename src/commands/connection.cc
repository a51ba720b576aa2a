#include "families.h"

#include <skein/command/call.h>

namespace skein {

namespace {

void ping(Call& call) {
  if (call.size() > 2) {
    call.reply.error(errors::wrong_arity("ping"));
  } else if (call.size() == 1) {
    call.reply.status("PONG");
  } else {
    call.reply.bulk(call.arg(1));
  }
}

constexpr CommandSpec kPing{
    .name = "PING",
    .summary = "Answers, to show that the server lives.",
    .complexity = "O(1)",
    .since = "1.0.0",
    .group = Group::kConnection,
    .arity = at_least(1),
    .flags = flag::kFast,
    .acl_also = category::kConnection,
    .handler = ping,
};

}  // namespace

SpecList connection_commands() {
  static constexpr const CommandSpec* kSpecs[] = {&kPing};
  return kSpecs;
}

}  // namespace skein
