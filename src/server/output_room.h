// How much a client may be owed in replies: by what it is limited to, and by whether it has logged in.
//
// Decides; ClientTurns acts on it. What replicas are owed of the stream is replicas_send's.
#pragma once

#include <algorithm>
#include <cstddef>

#include <skein/config/settings.h>

namespace skein {

struct OutputRoom {
  // The writer's: a reply that passes it ends there, and the client is cut. 0: none.
  std::size_t bound = 0;
  // A turn takes further requests of the client only while it is owed less, unless its socket is known to
  // be full: what was answered is sent before more is.
  std::size_t take_below = 0;
  // More than this left over by its socket cuts the client. 0: no such limit.
  std::size_t left_over = 0;
};

// Whoever has not logged in is answered refusals, which are short: a client that reads them never has more
// waiting than the socket takes.
constexpr std::size_t kStrangerMayLeave = 4 * 1024;
// A limit smaller than this holds for what the socket leaves over, not for what a turn may write.
constexpr std::size_t kLeastBound = 16 * 1024;
// A replica that draws a reply is cut for it, whatever its size.
constexpr OutputRoom kReplicaReplies{.bound = kLeastBound, .take_below = kLeastBound, .left_over = 0};

[[nodiscard]] constexpr OutputRoom output_room(bool authenticated, const OutputLimit& limit, std::size_t throttle_above) {
  if (!authenticated) return {.bound = kLeastBound, .take_below = kStrangerMayLeave, .left_over = kStrangerMayLeave};
  if (limit.hard == 0) return {.bound = 0, .take_below = throttle_above, .left_over = 0};
  const std::size_t bound = std::max<std::size_t>(limit.hard, kLeastBound);
  return {.bound = bound, .take_below = std::min(bound / 2, throttle_above), .left_over = 0};
}

}  // namespace skein
