#include <skein/replication/sync_backoff.h>

#include <algorithm>

namespace skein {

namespace {
constexpr seconds kFirst{5};
constexpr seconds kLongest{60};
// Who has not come for so long after its time is another one at the same address, or nobody.
constexpr seconds kForgottenAfter{600};
constexpr std::size_t kMostRecords = 1024;
}  // namespace

void SyncBackoff::on_given_up(std::string_view who, MonoTime now) {
  std::erase_if(records_, [now](const auto& record) { return now - record.second.not_before > kForgottenAfter; });
  // Who comes under ever new names waits for none of them; those who are known already still do.
  if (records_.size() >= kMostRecords && records_.find(who) == records_.end()) return;
  Record& record = records_[std::string(who)];
  const int doublings = std::min(record.times++, 4);
  record.not_before = now + std::min(kFirst * (1 << doublings), kLongest);
}

void SyncBackoff::on_caught_up(std::string_view who) {
  if (records_.empty()) return;
  if (const auto at = records_.find(who); at != records_.end()) records_.erase(at);
}

MonoTime SyncBackoff::may_begin_at(std::string_view who) const {
  const auto at = records_.find(who);
  return at == records_.end() ? MonoTime{} : at->second.not_before;
}

}  // namespace skein
