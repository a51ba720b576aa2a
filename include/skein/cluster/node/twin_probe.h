// Finding out, before serving, whether a copied nodes.conf makes this node the second
// one of its identity.
//
// A folder copied together with its nodes.conf brings the neighbour's id along. So a node
// whose file gives itself another address than the one it has now asks there first: it
// sends one packet and reads one answer. Connecting, and how long to wait (silence means
// nobody is there), are the owner's.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <skein/base/random.h>
#include <skein/cluster/node/saved_state.h>
#include <skein/cluster/node/settings.h>

namespace skein {

// Where to ask, or nothing when the saved address is this node's own or unknown.
// `own_ips` are all addresses of this machine's interfaces that the node listens on.
[[nodiscard]] std::optional<NodeAddress> choose_twin_address(const SavedState& saved, const NodeSettings& settings,
                                                             std::span<const std::string> own_ips);

// A PING from nobody in particular: members answer it and learn nothing from it. A node that must not show that it is
// there asks with it, too.
[[nodiscard]] std::string encode_ping_of_nobody(Random& random, const NodeSettings& settings);

enum class TwinVerdict {
  kOwnIdAnswers,   // stop, naming the file and the address
  kAnotherAnswers, // the address has a new tenant: start
  kNotAMember      // not an answer of a member: start
};
[[nodiscard]] TwinVerdict judge_twin_answer(std::string_view packet, const NodeId& own_id);

}  // namespace skein
