#include <skein/replication/sync_patience.h>

namespace skein {

namespace {

// Of what is shown to people.
constexpr std::size_t kLongestReason = 512;
// A stream that has been followed for so long was not broken by what broke the last one.
constexpr seconds kProven{600};

constexpr int kMostDoublings = 10;

struct Gaps {
  seconds first;
  seconds longest;
};

constexpr Gaps gaps_of(SyncTrouble trouble) {
  switch (trouble) {
    case SyncTrouble::kInterrupted: return {seconds{1}, seconds{8}};
    case SyncTrouble::kDamaged:
    case SyncTrouble::kStreamBroken: return {seconds{1}, seconds{300}};
    case SyncTrouble::kCannotHold: return {seconds{120}, seconds{600}};
  }
  return {seconds{1}, seconds{8}};
}

}  // namespace

bool SyncPatience::is_over(MonoTime now) const {
  return failures_ == 0 || (installed_at_ != MonoTime{} && now - installed_at_ > kProven);
}

void SyncPatience::on_failed(SyncTrouble trouble, std::string_view why, MonoTime now) {
  if (is_over(now)) *this = {};
  ++failures_;
  trouble_ = trouble;
  why_ = why.substr(0, kLongestReason);
  installed_at_ = {};
  // Each kind has its own patience: a connection that was cut in between neither shortens nor prolongs what is waited for
  // sounder reasons.
  const Gaps gaps = gaps_of(trouble);
  int& repeats = repeats_[static_cast<std::size_t>(trouble)];
  const seconds gap = std::min(gaps.first * (1 << std::min(repeats++, kMostDoublings)), gaps.longest);
  not_before_ = gap > kShortest ? now + gap : MonoTime{};
}

void SyncPatience::on_installed(MonoTime now) {
  installed_at_ = now;
  if (trouble_ != SyncTrouble::kStreamBroken) *this = {};
}

}  // namespace skein
