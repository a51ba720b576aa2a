// Packets no honest member sends: of strangers, in others' names, and such as break a rule of the format.
#pragma once

#include <skein/base/ids.h>
#include <skein/base/random.h>

#include <vector>

#include "host.h"

namespace skein::sim {

// Well-formed packets in the name of a node that nobody knows, full of great epochs and
// claims; also about `member` where there is one. Nothing may be learned from them.
[[nodiscard]] std::vector<PacketBytes> strange_packets(const NodeId& stranger, const ClusterNode* member,
                                                       Random& random);

// Heartbeats in the name of a member, each with one thing wrong, and with epochs and claims
// that would show if one were believed.
[[nodiscard]] std::vector<PacketBytes> malformed_packets(const Host& sender, Random& random);

// A heartbeat in the name of a member, sound in every way and with its true claims, that says that `victim` is forgotten.
[[nodiscard]] PacketBytes forged_forget(const Host& named, const NodeId& victim);

}  // namespace skein::sim
