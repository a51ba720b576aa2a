// Whether there is memory for what a call would make, where its arguments do not show how much that is.
#pragma once

#include <skein/commands/services.h>

namespace skein {

// The keyspace would grow by `bytes`, and `in_one_piece` of them or more have to be had at once. Writes the
// refusal. What a primary has done is done here too.
[[nodiscard]] inline bool has_room(Call& call, std::size_t bytes, std::size_t in_one_piece) {
  const NodeFacts& facts = call.services.facts;
  if (std::max(bytes, in_one_piece) < NodeFacts::kMuch || call.origin == CallOrigin::kPrimary || !facts.lacks_room ||
      !facts.lacks_room(bytes, in_one_piece)) {
    return true;
  }
  call.reply.error(errors::kOutOfMemory);
  return false;
}

}  // namespace skein
