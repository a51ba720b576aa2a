// The text of nodes.conf: what a member remembers over a restart.
//
// Reads every form redis-server and its successors have written and writes the one of
// redis 7.0. Reading files is the owner's; this sees text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <skein/base/ids.h>
#include <skein/base/result.h>
#include <skein/base/time.h>
#include <skein/cluster/topology/topology.h>

namespace skein {

struct SavedState {
  Topology topology;  // with this node itself first
  Epoch current_epoch;
  Epoch last_vote_epoch;
};

// What a node's line shows that the topology does not hold.
struct LineFacts {
  UnixMillis ping_sent;  // 0: none waits
  UnixMillis pong_received;
  bool connected = false;
};

// What is to be written. A value that shares its topology with the member: the text grows with the nodes, so
// whoever writes it makes it, on another thread if he likes.
struct UnsavedState {
  SavedState state;
  std::vector<std::optional<LineFacts>> lines;  // by node index; a node without one is not written
  [[nodiscard]] std::string text() const;
};

// Refuses, naming the line and the reason, whatever it could not put back as it was: a
// line cut short, ids or slots given twice, none or two `myself`, flags and addresses
// nobody writes. An empty text is refused too: the owner starts a new identity only where
// there is no file (or one of no bytes).
[[nodiscard]] Result<SavedState> parse_nodes_conf(std::string_view text);

}  // namespace skein
