#include "replication_witness.h"

#include <fmt/format.h>

#include <algorithm>

namespace skein::sim {

void HistoryWitness::begins(const ReplicationId& id, const ReplicationId& former, const Writes& data, ReplOffset at) {
  History history{.writes = data, .marks = {}};
  if (const auto before = histories_.find(former); before != histories_.end()) {
    const auto& marks = before->second.marks;
    history.marks.insert(marks.begin(), marks.upper_bound(at.value));
  }
  history.marks[at.value] = data.size();
  histories_[id] = std::move(history);
}

void HistoryWitness::grows(const ReplicationId& id, const Writes& data, ReplOffset at) {
  History& history = histories_.at(id);
  history.writes.insert(history.writes.end(), data.begin() + static_cast<std::ptrdiff_t>(history.writes.size()),
                        data.end());
  history.marks[at.value] = data.size();
}

std::optional<std::string> HistoryWitness::judge(const ReplicationId& id, const Writes& data, ReplOffset at,
                                                 bool whole) const {
  const auto found = histories_.find(id);
  if (found == histories_.end()) return fmt::format("history {} never was", id.view());
  const History& history = found->second;
  // SELECT, and a keep-alive, change nothing: the offset may be behind them.
  auto mark = history.marks.upper_bound(at.value);
  if (mark == history.marks.begin() || at.value > history.marks.rbegin()->first) {
    return fmt::format("offset {} is none of {}", at.value, id.view());
  }
  --mark;
  if (mark->second != data.size()) {
    return fmt::format("{} writes at offset {} where {} has {}", data.size(), at.value, id.view(), mark->second);
  }
  const bool same = whole ? std::equal(data.begin(), data.end(), history.writes.begin())
                          : data.empty() || data.back() == history.writes[data.size() - 1];
  if (!same) return fmt::format("other writes than those of {} up to {}", id.view(), at.value);
  return std::nullopt;
}

}  // namespace skein::sim
