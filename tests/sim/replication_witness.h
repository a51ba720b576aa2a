// Knows every history of writes there ever was in a run, and what a node may hold of one.
//
// A node's data is the list of the writes it has applied. Of its history, at its offset,
// exactly one such list is right.
#pragma once

#include <skein/base/ids.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace skein::sim {

using Write = std::uint64_t;
using Writes = std::vector<Write>;

class HistoryWitness {
 public:
  // A history begins with what its first node holds at that offset, all of which is in `former`.
  void begins(const ReplicationId& id, const ReplicationId& former, const Writes& data, ReplOffset at);
  // The primary of a history has added to it.
  void grows(const ReplicationId& id, const Writes& data, ReplOffset at);
  // What is wrong with holding this; nothing when it is a prefix of the history. With `whole`
  // every write is compared, else the last.
  [[nodiscard]] std::optional<std::string> judge(const ReplicationId& id, const Writes& data, ReplOffset at,
                                                 bool whole) const;

 private:
  struct History {
    Writes writes;
    std::map<std::int64_t, std::size_t> marks;  // how many there were at an offset
  };
  std::unordered_map<ReplicationId, History> histories_;
};

}  // namespace skein::sim
