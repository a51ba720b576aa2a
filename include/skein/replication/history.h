// Which history of writes this node's data belongs to: its name, the name it had before,
// and up to where that one is still true.
//
// A value. How far the node is in its history is the log's to say (log.h).
#pragma once

#include <optional>

#include <skein/base/ids.h>
#include <skein/base/random.h>

namespace skein {

struct History {
  ReplicationId id;
  // The history this one branched off from. Both are the same up to `until`.
  struct Former {
    ReplicationId id;
    ReplOffset until;
    friend bool operator==(const Former&, const Former&) = default;
  };
  std::optional<Former> former;

  // A history of its own, with nothing before it.
  static History begin(Random& random);

  // Promoted at `at`: writes from here on are nobody else's, but whoever followed the same
  // primary may go on from what it has.
  void branch(Random& random, ReplOffset at);
  // The primary tells a new name for the history that we both have up to `at`.
  void rename(const ReplicationId& id, ReplOffset at);

  // Whether someone who is at `at` in the history `id` holds a prefix of this one.
  [[nodiscard]] bool includes(const ReplicationId& id, ReplOffset at) const;

  friend bool operator==(const History&, const History&) = default;
};

}  // namespace skein
